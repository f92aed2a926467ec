// Direct paths where one NAT maps by destination ("hard") and the other one admits exact endpoints only: the hard side's port
// for us is unknown to both, so it is guessed. A sequential allocator's next ports are tried; of random ones many are opened,
// and many tried (the birthday paradox):
//
//     hard side   256 sockets send one probe each to the easy side's endpoint: 256 of 64,512 ports lead to it
//     easy side   probes 1,200 random ports: it misses all of them with (1 − 256/64,512)^1,200 = 0.9 %
//
// The easy side sends at most 300 a second, which no home router's table melts from. Bounded, pure; HardNatSearch owns one.

import type { RandomBytes } from '@shadownet/crypto';
import {
  addDuration,
  type Endpoint,
  endpoint,
  type Instant,
  ipAddressScope,
  milliseconds,
  minutes,
  seconds,
} from '@shadownet/primitives';
import type { Candidate } from './candidate.js';
import type { NatTraits } from './nat-traits.js';

/** Sockets that the hard side opens besides its own. */
export const GUESS_SOCKETS = 256;

/** Ports that the easy side tries, in batches of 10 every 34 ms: 294 a second. */
export const MAX_GUESSES = 1200;
const BATCH = 10;
const BATCH_INTERVAL = milliseconds(34);

/** The hard side's sockets start in batches, too. */
const SOCKET_BATCH = 64;
const SOCKET_BATCH_INTERVAL = milliseconds(50);

/** Ports on either side of the known ones of a sequential allocator: so many mappings may have been made since. */
const PREDICTED_PORTS = 64;

/** After the start of a search: what punches without guessing has had its first round answered by then. The hard side is first,
 * so that its ports are open when the guesses come: a port is tried once. */
const HARD_SIDE_DELAY = milliseconds(300);
const EASY_SIDE_DELAY = milliseconds(600);

/** The sockets stay until the last guess may have been answered. */
const HARD_SIDE_TIME = seconds(6);

/** Between two attempts for one peer. */
const PAUSE = minutes(2);

const LOWEST_PORT = 1024;

export type GuessRole = 'hard' | 'easy';

/** Who guesses, if anybody: exactly one side must be hard, and a hard side that allocates in sequence needs no more sockets. */
export function guessRole(local: NatTraits, remote: NatTraits): GuessRole | undefined {
  const [ours, theirs] = [local.mapping, remote.mapping];
  if (ours === 'endpoint-dependent' && theirs === 'endpoint-independent') {
    return local.allocation.kind === 'sequential' ? undefined : 'hard';
  }
  return ours === 'endpoint-independent' && theirs === 'endpoint-dependent' ? 'easy' : undefined;
}

export type GuessStep =
  | { readonly kind: 'open-sockets'; readonly count: number }
  | { readonly kind: 'probe-from'; readonly sockets: readonly number[]; readonly to: Endpoint }
  | { readonly kind: 'probe-ports'; readonly to: readonly Endpoint[] }
  /** To no avail: extra sockets are of no use any more. */
  | { readonly kind: 'give-up'; readonly sockets: readonly number[] };

type State =
  | { readonly kind: 'resting'; readonly notBefore: Instant | undefined }
  | { readonly kind: 'scheduled'; readonly role: GuessRole; readonly at: Instant }
  | { readonly kind: 'awaiting-sockets'; readonly to: Endpoint; readonly until: Instant }
  | {
      readonly kind: 'probing-sockets';
      readonly to: Endpoint;
      readonly sockets: readonly number[];
      readonly probed: number;
      readonly at: Instant;
      readonly until: Instant;
    }
  | { readonly kind: 'probing-ports'; readonly left: readonly Endpoint[]; readonly at: Instant };

export class PortGuessing {
  readonly #random: RandomBytes;
  #state: State = { kind: 'resting', notBefore: undefined };

  constructor(random: RandomBytes) {
    this.#random = random;
  }

  /** Whether ports are tried or opened at the moment. */
  get hasBegun(): boolean {
    return this.#state.kind !== 'resting' && this.#state.kind !== 'scheduled';
  }

  /** A search starts. Guesses come later, unless the last ones were only lately. */
  schedule(role: GuessRole, now: Instant): void {
    if (this.#state.kind !== 'resting') return;
    if (this.#state.notBefore !== undefined && now < this.#state.notBefore) return;
    const delay = role === 'hard' ? HARD_SIDE_DELAY : EASY_SIDE_DELAY;
    this.#state = { kind: 'scheduled', role, at: addDuration(now, delay) };
  }

  /** Ends it: a path was found, or nobody looks for one any more. Returns the extra sockets to close. */
  stop(now: Instant): readonly number[] {
    const state = this.#state;
    if (state.kind === 'resting') return [];
    const notBefore = state.kind === 'scheduled' ? undefined : addDuration(now, PAUSE);
    this.#state = { kind: 'resting', notBefore };
    return state.kind === 'probing-sockets' ? state.sockets : [];
  }

  /** The sockets that were asked for. Returns those that are not wanted any more. */
  useSockets(sockets: readonly number[], now: Instant): readonly number[] {
    const state = this.#state;
    if (state.kind !== 'awaiting-sockets') return sockets;
    this.#state = { ...state, kind: 'probing-sockets', sockets, probed: 0, at: now };
    return [];
  }

  pollTimeout(): Instant | undefined {
    const state = this.#state;
    switch (state.kind) {
      case 'resting':
        return undefined;
      case 'scheduled':
      case 'probing-ports':
        return state.at;
      case 'awaiting-sockets':
        return state.until;
      case 'probing-sockets':
        return state.probed < state.sockets.length ? state.at : state.until;
    }
  }

  /** What to do now. `candidates` are the peer's. */
  handleTimeout(candidates: readonly Candidate[], remote: NatTraits, now: Instant): GuessStep | undefined {
    const due = this.pollTimeout();
    const state = this.#state;
    if (due === undefined || now < due) return undefined;
    switch (state.kind) {
      case 'resting':
        return undefined;
      case 'scheduled':
        return this.#begin(state.role, candidates, remote, now);
      case 'awaiting-sockets':
        return this.#giveUp([], now);
      case 'probing-sockets': {
        if (state.probed >= state.sockets.length) return this.#giveUp(state.sockets, now);
        const end = state.probed + SOCKET_BATCH;
        this.#state = { ...state, probed: end, at: addDuration(now, SOCKET_BATCH_INTERVAL) };
        return { kind: 'probe-from', sockets: state.sockets.slice(state.probed, end), to: state.to };
      }
      case 'probing-ports': {
        if (state.left.length === 0) return this.#giveUp([], now);
        const left = state.left.slice(BATCH);
        // After the last batch its answers are waited for.
        const wait = left.length > 0 ? BATCH_INTERVAL : seconds(1);
        this.#state = { kind: 'probing-ports', left, at: addDuration(now, wait) };
        return { kind: 'probe-ports', to: state.left.slice(0, BATCH) };
      }
    }
  }

  #begin(role: GuessRole, candidates: readonly Candidate[], remote: NatTraits, now: Instant): GuessStep {
    const outside = outsideEndpoint(candidates);
    if (!outside) return this.#giveUp([], now);
    if (role === 'hard') {
      this.#state = { kind: 'awaiting-sockets', to: outside, until: addDuration(now, HARD_SIDE_TIME) };
      return { kind: 'open-sockets', count: GUESS_SOCKETS };
    }
    const left = this.#ports(candidates, outside, remote).map((port) => endpoint(outside.address, port));
    this.#state = { kind: 'probing-ports', left, at: now };
    return this.handleTimeout(candidates, remote, now)!;
  }

  #giveUp(sockets: readonly number[], now: Instant): GuessStep {
    this.#state = { kind: 'resting', notBefore: addDuration(now, PAUSE) };
    return { kind: 'give-up', sockets };
  }

  /** The ports around those known of a sequential allocator; else distinct random ones. */
  #ports(candidates: readonly Candidate[], outside: Endpoint, { allocation }: NatTraits): number[] {
    if (allocation.kind === 'sequential') {
      const known = candidates.filter(({ kind }) => kind === 'server-reflexive').map(({ endpoint }) => endpoint.port);
      return predictedPorts(known, Math.abs(allocation.step));
    }
    const ports = new Set<number>();
    while (ports.size < MAX_GUESSES) {
      const bytes = this.#random(2 * MAX_GUESSES);
      for (let i = 0; i < bytes.length && ports.size < MAX_GUESSES; i += 2) {
        const port = bytes[i]! * 256 + bytes[i + 1]!;
        if (port >= LOWEST_PORT && port !== outside.port) ports.add(port);
      }
    }
    return [...ports];
  }
}

/** Where the peer's NAT has its outside, of IPv4: there is no guessing in IPv6, which has no NAT. */
function outsideEndpoint(candidates: readonly Candidate[]): Endpoint | undefined {
  const usable = candidates.filter(
    ({ endpoint: { address } }) => address.family === 4 && ipAddressScope(address) === 'global',
  );
  return (usable.find(({ kind }) => kind === 'server-reflexive') ?? usable[0])?.endpoint;
}

/** Upwards first, as most NATs count; then downwards: which of two answers of servers was made first is not known for sure. */
function predictedPorts(known: readonly number[], step: number): number[] {
  const [lowest, highest] = [Math.min(...known), Math.max(...known)];
  const steps = Array.from({ length: PREDICTED_PORTS }, (_, i) => (i + 1) * step);
  return [...steps.map((distance) => highest + distance), ...steps.map((distance) => lowest - distance)]
    .map((port) => (port > 0xffff ? port - 0x10000 + LOWEST_PORT : port))
    .filter((port) => port >= LOWEST_PORT);
}
