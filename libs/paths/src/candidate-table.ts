// What is known of each path by which a peer might be reached: a bounded list, since none is long enough for anything else.

import {
  type Duration,
  durationBetween,
  type Endpoint,
  endpointsEqual,
  type Instant,
  ipAddressesEqual,
  milliseconds,
  type Path,
  pathsEqual,
  type RelayPath,
  type UdpPath,
  udpPath,
  withoutLocalAddress,
} from '@shadownet/primitives';
import type { Candidate } from './candidate.js';
import { MAX_ANNOUNCED_CANDIDATES, MAX_LEARNT_CANDIDATES, RTT_GAIN } from './path-constants.js';
import { isLanCandidate, type PathScore, scorePath } from './path-score.js';
import { PathReceipt, PathSizes } from './path-sizes.js';

/** A path and what was found out about it. */
export class PathEntry<Kind extends Path = Path> {
  /** Probes sent since the last answer. */
  unanswered = 0;
  /** The last answer, and the smoothed RTT; absent if there was none in this search. */
  confirmation: { readonly rtt: Duration; readonly at: Instant } | undefined;
  /** Data that we sent on it, and data that came on it. Absent while there was none. */
  #sizes: PathSizes | undefined;
  #receipt: PathReceipt | undefined;

  constructor(public path: Kind) {}

  get sizes(): PathSizes {
    return (this.#sizes ??= new PathSizes());
  }

  /** When sizes are to be tried. */
  get sizesDueAt(): Instant | undefined {
    return this.#sizes?.pollTimeout();
  }

  get receipt(): PathReceipt {
    return (this.#receipt ??= new PathReceipt());
  }

  /** Of what is known. A path that never answered is taken for a fast one. */
  scoreAt(now: Instant): PathScore {
    const rtt = this.confirmation?.rtt ?? milliseconds(0);
    return scorePath({ kind: this.scoredKind, rtt, losesBytes: this.#sizes?.lossAt(now) });
  }

  protected get scoredKind(): 'lan' | 'direct' | 'relay' {
    return this.path.kind === 'relay' ? 'relay' : 'direct';
  }

  /** Notes an answer that took `rtt`, and returns the smoothed RTT: old + (new − old) / 4. */
  confirm(rtt: Duration, now: Instant): Duration {
    const before = this.confirmation?.rtt ?? rtt;
    const smoothed = milliseconds(before + (rtt - before) * RTT_GAIN);
    this.confirmation = { rtt: smoothed, at: now };
    this.unanswered = 0;
    return smoothed;
  }

  /** True if it answered at most `span` ago. */
  confirmedWithin(span: Duration, now: Instant): boolean {
    return this.confirmation !== undefined && durationBetween(this.confirmation.at, now) <= span;
  }
}

export type RelayEntry = PathEntry<RelayPath>;

export class CandidateEntry extends PathEntry<UdpPath> {
  constructor(
    path: UdpPath,
    public candidate: Candidate,
  ) {
    super(path);
  }

  /** The peer has spoken to that address of ours: what is sent there leaves from it, or the peer would take it for another path. */
  useLocalAddress({ local }: UdpPath): void {
    if (local && !(this.path.local && ipAddressesEqual(this.path.local, local))) this.path = { ...this.path, local };
  }

  /** Nothing comes back: the system chooses. */
  forgetLocalAddress(): void {
    this.path = withoutLocalAddress(this.path);
  }

  protected override get scoredKind(): 'lan' | 'direct' {
    return isLanCandidate(this.candidate) ? 'lan' : 'direct';
  }
}

export class CandidateTable {
  /** Replaced by each change, never changed: whoever walks it may send, and what is sent may come back at once. */
  #entries: readonly CandidateEntry[] = [];

  /** In the order in which they became known; learnt ones by their latest sign of life. */
  get entries(): readonly CandidateEntry[] {
    return this.#entries;
  }

  /**
   * Replaces what the peer announced (the first 16 count) and returns the entries that are new. An address that was learnt
   * before is announced from now on; the entry at `keep` stays even if it is not announced any more.
   */
  announce(candidates: readonly Candidate[], keep: CandidateEntry | undefined): CandidateEntry[] {
    const announced = distinct(candidates).slice(0, MAX_ANNOUNCED_CANDIDATES);
    const kept: CandidateEntry[] = [];
    for (const entry of this.#entries) {
      const isAnnounced = entry.path.socket === 0 && isAmong(announced, entry.path.remote);
      if (!isAnnounced && entry.candidate.kind !== 'peer-reflexive') {
        if (entry !== keep) continue;
        entry.candidate = { ...entry.candidate, kind: 'peer-reflexive' };
      }
      kept.push(entry);
    }
    this.#entries = kept;
    const added: CandidateEntry[] = [];
    for (const candidate of announced) {
      const path = udpPath(candidate.endpoint);
      const known = this.get(path);
      if (known) known.candidate = candidate;
      else added.push(new CandidateEntry(path, candidate));
    }
    this.#entries = [...kept, ...added];
    return added;
  }

  /** The entry of an address that an authenticated message came from, which is added if unknown. The one at `keep` stays. */
  learn(path: UdpPath, keep: CandidateEntry | undefined): { readonly entry: CandidateEntry; readonly added: boolean } {
    const known = this.get(path);
    if (known) {
      known.useLocalAddress(path);
      const isLast = known === this.#entries.at(-1);
      if (known.candidate.kind === 'peer-reflexive' && !isLast) this.#entries = [...this.#without(known), known];
      return { entry: known, added: false };
    }
    const learnt = this.#entries.filter(({ candidate }) => candidate.kind === 'peer-reflexive');
    const oldest = learnt.find((entry) => entry !== keep);
    const entry = new CandidateEntry(path, { kind: 'peer-reflexive', endpoint: path.remote });
    const isFull = learnt.length >= MAX_LEARNT_CANDIDATES && oldest !== undefined;
    this.#entries = [...(isFull ? this.#without(oldest) : this.#entries), entry];
    return { entry, added: true };
  }

  /** Drops what was learnt on these sockets, which are closed. */
  forgetSockets(sockets: readonly number[]): void {
    this.#entries = this.#entries.filter(({ path }) => !sockets.includes(path.socket));
  }

  get(path: Path): CandidateEntry | undefined {
    for (const entry of this.#entries) if (pathsEqual(entry.path, path)) return entry;
    return undefined;
  }

  #without(entry: CandidateEntry): readonly CandidateEntry[] {
    return this.#entries.filter((other) => other !== entry);
  }
}

/** The first of those with the same endpoint. */
function distinct(candidates: readonly Candidate[]): readonly Candidate[] {
  return candidates.filter((one, i) => !isAmong(candidates.slice(0, i), one.endpoint));
}

function isAmong(candidates: readonly Candidate[], endpoint: Endpoint): boolean {
  return candidates.some((one) => endpointsEqual(one.endpoint, endpoint));
}
