// Finds and keeps a working path to one peer: authenticated probes to all its candidates, the best of those that answer,
// liveness from data and keepalives. Built on the ideas of ICE (RFC 8445) with two equal ends and no roles. Sans-IO, one
// per peer, owned by libs/tunnel.
//
//     idle ──start──► searching ──answer──► connected ──4 probes unanswered──► searching
//                      ▲     │ nothing in time
//                      │     ▼
//                     waiting (pause, doubling)

import type { CryptoProvider, RandomBytes } from '@shadownet/crypto';
import {
  addDuration,
  assertNever,
  type Duration,
  earliestWakeup,
  type Endpoint,
  type Instant,
  type IpPrefix,
  milliseconds,
  type Path,
  type UdpPath,
  pathsEqual,
  type PublicKey,
  publicKeysEqual,
  udpPath,
  type Wakeup,
} from '@shadownet/primitives';
import { type StunMessage, TRANSACTION_ID_BYTES } from '@shadownet/stun';
import { betterPath } from './better-path.js';
import { type Candidate, isUsableCandidate } from './candidate.js';
import { type CandidateEntry, CandidateTable, confirm, confirmedWithin } from './candidate-table.js';
import { CounterWindow } from './counter-window.js';
import { DestinationLimiter } from './destination-limiter.js';
import { jittered } from './jitter.js';
import {
  CHECK_INTERVAL,
  CHECK_PROBES,
  CONFIRMATION_LIFETIME,
  DATA_ANSWER_TIME,
  EXPLORE_INTERVAL,
  FIRST_PAUSE,
  FRESH_CONFIRMATION,
  KEEPALIVE_INTERVAL,
  LONGEST_PAUSE,
  PAUSE_JITTER,
  RETRY_SEARCH_TIME,
  ROUND_INTERVAL,
  SEARCH_TIME,
  SETTLE_TIME,
} from './path-constants.js';
import type { LossReason, PathEvent, SearchReason } from './path-event.js';
import type { PathOutput } from './path-output.js';
import { candidateStatus, type PathStatus } from './path-status.js';
import { PathsError } from './paths-error.js';
import { PendingProbes, type ProbeAnswer } from './pending-probes.js';
import type { ProbeKeys } from './probe-keys.js';
import { encodeProbeRequest, encodeProbeResponse, openProbe, type ProbeRejection } from './probe-message.js';

export interface PathAgentOptions {
  readonly random: RandomBytes;
  readonly crypto: CryptoProvider;
  /** Stay the caller's, who zeroes them when the agent is dropped. */
  readonly keys: ProbeKeys;
  readonly localPublicKey: PublicKey;
  readonly remotePublicKey: PublicKey;
  /** Above every counter that this node has ever used towards the peer. */
  readonly firstCounter: bigint;
  /** Ranges of the mesh itself: a path to a peer must not lead through the mesh. */
  readonly overlayPrefixes?: readonly IpPrefix[];
  /** One for all agents of a node. */
  readonly limiter?: DestinationLimiter;
}

export type ProbeDrop =
  | ProbeRejection
  | Extract<ProbeAnswer, { ok: false }>['reason']
  | 'replayed-counter'
  /** Its answer would be longer than itself. */
  | 'request-too-short'
  /** From an address that can be no path. */
  | 'unusable-source';

export type ProbeResult = { readonly ok: true } | { readonly ok: false; readonly reason: ProbeDrop };

export interface PathCounters {
  probesSent: number;
  /** Probes not sent because their destination was probed just before. */
  probesHeldBack: number;
  requestsAnswered: number;
  readonly dropped: Partial<Record<ProbeDrop, number>>;
}

type Liveness =
  | { readonly kind: 'steady'; readonly keepaliveAt: Instant }
  | { readonly kind: 'checking'; readonly reason: LossReason; readonly sent: number; readonly probeAt: Instant };

interface Searching {
  readonly kind: 'searching';
  readonly since: Instant;
  readonly until: Instant;
  readonly roundAt: Instant;
  /** Searches in a row that came to nothing. */
  readonly failures: number;
}

interface Connected {
  readonly kind: 'connected';
  readonly since: Instant;
  readonly entry: CandidateEntry;
  readonly liveness: Liveness;
  /** Data went out then and nothing has come back on the path since. */
  readonly unansweredSince: Instant | undefined;
  /** The next round of probes to the other candidates: frequent until `settledAt`, rare afterwards. */
  readonly roundAt: Instant;
  readonly settledAt: Instant;
}

type State =
  | { readonly kind: 'idle'; readonly since: Instant }
  | Searching
  | Connected
  | { readonly kind: 'waiting'; readonly since: Instant; readonly retryAt: Instant; readonly failures: number };

const BEGINNING_OF_TIME = 0 as Instant;

export class PathAgent {
  readonly #random: RandomBytes;
  readonly #crypto: CryptoProvider;
  readonly #keys: ProbeKeys;
  readonly #overlay: readonly IpPrefix[];
  readonly #limiter: DestinationLimiter;
  readonly #candidates = new CandidateTable();
  readonly #pending = new PendingProbes();
  readonly #requestsSeen = new CounterWindow();
  readonly #events: PathEvent[] = [];
  #nextCounter: bigint;
  #state: State = { kind: 'idle', since: BEGINNING_OF_TIME };
  readonly counters: PathCounters = { probesSent: 0, probesHeldBack: 0, requestsAnswered: 0, dropped: {} };

  constructor(options: PathAgentOptions) {
    if (publicKeysEqual(options.localPublicKey, options.remotePublicKey)) {
      throw new PathsError('own-key', 'a node has no path to itself');
    }
    this.#random = options.random;
    this.#crypto = options.crypto;
    this.#keys = options.keys;
    this.#overlay = options.overlayPrefixes ?? [];
    this.#limiter = options.limiter ?? new DestinationLimiter();
    this.#nextCounter = options.firstCounter;
  }

  /** Replaces what the peer announced; unusable ones and those beyond 16 are left out. New ones are probed at once. */
  setRemoteCandidates(candidates: readonly Candidate[], now: Instant, out: PathOutput): void {
    const usable = candidates.filter(({ endpoint }) => isUsableCandidate(endpoint, this.#overlay));
    const added = this.#candidates.announce(usable, this.#currentEntry());
    if (added.length === 0) return;
    switch (this.#state.kind) {
      case 'idle':
        return;
      case 'waiting':
        return this.#search('new-candidates', SEARCH_TIME, 0, now, out);
      case 'searching':
        return this.#probeAll(added, now, out);
      case 'connected':
        this.#state = this.#unsettled(this.#state, now);
        return this.#probeAll(added, now, out);
      default:
        return assertNever(this.#state);
    }
  }

  /** An authenticated message of the peer, other than a probe, came from `endpoint`. */
  learn(endpoint: Endpoint, now: Instant, out: PathOutput): void {
    this.#signOfLife(udpPath(endpoint), now, out);
  }

  /** Searches now. A running search gets its full time again; a path in use is checked, and better ones are looked for. */
  start(now: Instant, out: PathOutput): void {
    switch (this.#state.kind) {
      case 'idle':
      case 'waiting':
        return this.#search('started', SEARCH_TIME, 0, now, out);
      case 'searching':
        this.#state = { ...this.#state, until: addDuration(now, SEARCH_TIME), failures: 0 };
        return;
      case 'connected':
        this.#state = this.#unsettled(this.#state, now);
        return this.#suspect('check-requested', now, out);
      default:
        return assertNever(this.#state);
    }
  }

  /** Sends nothing more of its own accord, until `start` or a sign of life. Requests of the peer are still answered. */
  stop(now: Instant): void {
    this.#state = { kind: 'idle', since: now };
  }

  /** Data went out to the peer on the current path. */
  trafficSent(now: Instant): void {
    if (this.#state.kind !== 'connected' || this.#state.unansweredSince !== undefined) return;
    this.#state = { ...this.#state, unansweredSince: now };
  }

  /** Authenticated data of the peer came on `path`. On another path than ours it says nothing about ours. */
  trafficReceived(path: Path, _now: Instant): void {
    if (this.#state.kind !== 'connected' || this.#state.unansweredSince === undefined) return;
    if (pathsEqual(path, this.#state.entry.path)) this.#state = { ...this.#state, unansweredSince: undefined };
  }

  /** A decoded STUN message whose `probeIdOf` is this agent's `incomingId`, with its bytes. What is refused is counted. */
  handleProbe(message: StunMessage, datagram: Uint8Array, from: UdpPath, now: Instant, out: PathOutput): ProbeResult {
    const result = this.#handleProbe(message, datagram, from, now, out);
    if (!result.ok) this.counters.dropped[result.reason] = (this.counters.dropped[result.reason] ?? 0) + 1;
    return result;
  }

  handleTimeout(now: Instant, out: PathOutput): void {
    const state = this.#state;
    switch (state.kind) {
      case 'idle':
        return;
      case 'searching':
        if (now >= state.until) return this.#pause(state, now);
        if (now >= state.roundAt) this.#searchRound(state, now, out);
        return;
      case 'waiting':
        if (now >= state.retryAt) this.#search('retry', RETRY_SEARCH_TIME, state.failures, now, out);
        return;
      case 'connected':
        if (now >= state.roundAt) this.#exploreRound(state, now, out);
        return this.#checkLiveness(now, out);
      default:
        return assertNever(state);
    }
  }

  pollTimeout(): Wakeup | undefined {
    const state = this.#state;
    switch (state.kind) {
      case 'idle':
        return undefined;
      case 'searching':
        return earliestWakeup(
          { at: state.roundAt, reason: 'path: probe all candidates' },
          { at: state.until, reason: 'path: pause the search' },
        );
      case 'waiting':
        return { at: state.retryAt, reason: 'path: search again' };
      case 'connected':
        return earliestWakeup(
          { at: state.roundAt, reason: 'path: look for a better one' },
          livenessWakeup(state.liveness),
          state.liveness.kind === 'steady' && state.unansweredSince !== undefined
            ? { at: addDuration(state.unansweredSince, DATA_ANSWER_TIME), reason: 'path: data unanswered' }
            : undefined,
        );
      default:
        return assertNever(state);
    }
  }

  pollEvent(): PathEvent | undefined {
    return this.#events.shift();
  }

  /** Above every counter that was used towards the peer. */
  get nextCounter(): bigint {
    return this.#nextCounter;
  }

  status(_now: Instant): PathStatus {
    const current = this.#currentEntry();
    return {
      state: this.#state.kind,
      since: this.#state.since,
      ...(current && { path: current.path }),
      ...(current?.confirmation && { rtt: current.confirmation.rtt }),
      candidates: this.#candidates.entries.map(candidateStatus),
    };
  }

  #handleProbe(message: StunMessage, datagram: Uint8Array, from: UdpPath, now: Instant, out: PathOutput): ProbeResult {
    if (!isUsableCandidate(from.remote, this.#overlay)) return { ok: false, reason: 'unusable-source' };
    const probe = openProbe(this.#crypto, this.#keys, message, datagram);
    if (!probe.ok) return probe;
    if (probe.kind === 'response') return this.#handleResponse(message.transactionId, from, now);

    if (!this.#requestsSeen.accept(probe.counter)) return { ok: false, reason: 'replayed-counter' };
    const response = encodeProbeResponse(this.#crypto, this.#keys, message.transactionId, from.remote);
    if (response.length > datagram.length) return { ok: false, reason: 'request-too-short' };
    this.counters.requestsAnswered += 1;
    out.datagram(response, from);
    this.#signOfLife(from, now, out);
    return { ok: true };
  }

  #handleResponse(transactionId: Uint8Array, from: UdpPath, now: Instant): ProbeResult {
    const answer = this.#pending.answer(transactionId, from, now);
    if (!answer.ok) return answer;
    const entry = this.#candidates.get(answer.path);
    // A candidate that was withdrawn while its answer was on the way is none any more.
    if (entry) this.#confirmed(entry, answer.rtt, now);
    return { ok: true };
  }

  /** The path of `entry` works in both directions: our request went there, its answer came from there. */
  #confirmed(entry: CandidateEntry, measured: Duration, now: Instant): void {
    const rtt = confirm(entry, measured, now);
    const state = this.#state;
    switch (state.kind) {
      case 'idle':
        return;
      case 'searching':
      case 'waiting':
        return this.#select(entry, rtt, now);
      case 'connected':
        if (entry === state.entry) {
          this.#state = {
            ...state,
            liveness: this.#steady(measured, now),
            unansweredSince: undefined,
          };
          this.#events.push({ kind: 'rtt', path: entry.path, rtt });
        } else if (isBetter(entry, state.entry)) this.#select(entry, rtt, now);
        return;
      default:
        return assertNever(state);
    }
  }

  #select(entry: CandidateEntry, rtt: Duration, now: Instant): void {
    this.#state = {
      kind: 'connected',
      since: now,
      entry,
      liveness: this.#steady(rtt, now),
      unansweredSince: undefined,
      roundAt: addDuration(now, jittered(ROUND_INTERVAL, this.#random)),
      settledAt: addDuration(now, SETTLE_TIME),
    };
    this.#events.push({ kind: 'path-selected', path: entry.path, rtt });
  }

  /** Probed successfully `rtt` ago: the next keepalive counts from then. */
  #steady(rtt: Duration, now: Instant): Liveness {
    const interval = jittered(KEEPALIVE_INTERVAL, this.#random);
    return { kind: 'steady', keepaliveAt: addDuration(now, milliseconds(Math.max(0, interval - rtt))) };
  }

  /**
   * The peer is alive and has sent from `path`. A new address becomes a candidate. It is probed at once (a triggered check,
   * RFC 8445 §7.3.1.4), and so is the current path, which the peer seems to have left.
   */
  #signOfLife(path: UdpPath, now: Instant, out: PathOutput): void {
    if (!isUsableCandidate(path.remote, this.#overlay)) return;
    const { entry, added } = this.#candidates.learn(path, this.#currentEntry());
    switch (this.#state.kind) {
      case 'idle':
      case 'waiting':
        return this.#search('sign-of-life', SEARCH_TIME, 0, now, out);
      case 'searching':
        return this.#probeAll([entry], now, out);
      case 'connected':
        if (entry === this.#state.entry || confirmedWithin(entry, CONFIRMATION_LIFETIME, now)) return;
        if (added) this.#state = this.#unsettled(this.#state, now);
        this.#probeAll([entry], now, out);
        return this.#suspect('peer-moved', now, out);
      default:
        return assertNever(this.#state);
    }
  }

  #search(reason: SearchReason, span: Duration, failures: number, now: Instant, out: PathOutput): void {
    this.#events.push({ kind: 'search-started', reason });
    const until = addDuration(now, span);
    this.#searchRound({ kind: 'searching', since: now, until, roundAt: now, failures }, now, out);
  }

  #searchRound(state: Searching, now: Instant, out: PathOutput): void {
    this.#state = { ...state, roundAt: addDuration(now, jittered(ROUND_INTERVAL, this.#random)) };
    this.#probeAll(this.#candidates.entries, now, out);
  }

  /** 2 s, 4 s, 8 s, 16 s, 30 s, 30 s… each longer by up to a quarter. */
  #pause({ failures }: Searching, now: Instant): void {
    const pause = milliseconds(Math.min(FIRST_PAUSE * 2 ** failures, LONGEST_PAUSE));
    const longest = milliseconds(pause * (1 + PAUSE_JITTER));
    const retryAt = addDuration(now, jittered([pause, longest], this.#random));
    this.#state = { kind: 'waiting', since: now, retryAt, failures: failures + 1 };
    this.#events.push({ kind: 'search-paused', retryAt });
  }

  #exploreRound(state: Connected, now: Instant, out: PathOutput): void {
    const interval = now < state.settledAt ? ROUND_INTERVAL : EXPLORE_INTERVAL;
    this.#state = { ...state, roundAt: addDuration(now, jittered(interval, this.#random)) };
    const others = this.#candidates.entries.filter((entry) => entry !== state.entry);
    this.#probeAll(others, now, out);
  }

  /** Lets the other candidates be probed frequently again for a while. */
  #unsettled(state: Connected, now: Instant): Connected {
    const soon = addDuration(now, jittered(ROUND_INTERVAL, this.#random));
    const roundAt = soon < state.roundAt ? soon : state.roundAt;
    return { ...state, roundAt, settledAt: addDuration(now, SETTLE_TIME) };
  }

  #checkLiveness(now: Instant, out: PathOutput): void {
    if (this.#state.kind !== 'connected') return;
    const { liveness, unansweredSince } = this.#state;
    if (liveness.kind === 'checking') {
      if (now >= liveness.probeAt) this.#checkProbe(this.#state, liveness, now, out);
      return;
    }
    if (now >= liveness.keepaliveAt) return this.#suspect('keepalive-unanswered', now, out);
    if (unansweredSince !== undefined && now >= addDuration(unansweredSince, DATA_ANSWER_TIME)) {
      this.#suspect('data-unanswered', now, out);
    }
  }

  /** Probes the current path, now and until it answers or is lost. Every keepalive is such a check, mostly of one probe. */
  #suspect(reason: LossReason, now: Instant, out: PathOutput): void {
    if (this.#state.kind !== 'connected' || this.#state.liveness.kind === 'checking') return;
    this.#checkProbe(this.#state, { kind: 'checking', reason, sent: 0, probeAt: now }, now, out);
  }

  #checkProbe(state: Connected, check: Liveness & { kind: 'checking' }, now: Instant, out: PathOutput): void {
    if (check.sent >= CHECK_PROBES) return this.#lose(state, check.reason, now, out);
    const sent = this.#probe(state.entry, now, out) ? check.sent + 1 : check.sent;
    this.#state = { ...state, liveness: { ...check, sent, probeAt: addDuration(now, CHECK_INTERVAL) } };
  }

  /** What answered a moment ago is taken at once; older confirmations count for nothing in the search that follows. */
  #lose(state: Connected, reason: LossReason, now: Instant, out: PathOutput): void {
    this.#events.push({ kind: 'path-lost', path: state.entry.path, reason });
    for (const entry of this.#candidates.entries) {
      if (entry === state.entry || !confirmedWithin(entry, FRESH_CONFIRMATION, now)) entry.confirmation = undefined;
    }
    this.#search('path-lost', SEARCH_TIME, 0, now, out);
    const best = this.#candidates.entries.reduce<CandidateEntry | undefined>(
      (best, entry) => (entry.confirmation && (!best || isBetter(entry, best)) ? entry : best),
      undefined,
    );
    if (best?.confirmation) this.#select(best, best.confirmation.rtt, now);
  }

  #probeAll(entries: readonly CandidateEntry[], now: Instant, out: PathOutput): void {
    for (const entry of entries) this.#probe(entry, now, out);
  }

  /** False if the destination's limit held it back. */
  #probe(entry: CandidateEntry, now: Instant, out: PathOutput): boolean {
    if (!this.#limiter.admit(entry.path, now)) {
      this.counters.probesHeldBack += 1;
      return false;
    }
    const transactionId = this.#random(TRANSACTION_ID_BYTES);
    const request = encodeProbeRequest(this.#crypto, this.#keys, transactionId, this.#nextCounter);
    this.#nextCounter += 1n;
    this.#pending.add(transactionId, entry.path, now);
    entry.unanswered += 1;
    this.counters.probesSent += 1;
    out.datagram(request, entry.path);
    return true;
  }

  #currentEntry(): CandidateEntry | undefined {
    return this.#state.kind === 'connected' ? this.#state.entry : undefined;
  }
}

function isBetter(a: CandidateEntry, b: CandidateEntry): boolean {
  if (!a.confirmation || !b.confirmation) return a.confirmation !== undefined;
  return betterPath(
    { candidate: a.candidate, rtt: a.confirmation.rtt },
    { candidate: b.candidate, rtt: b.confirmation.rtt },
  );
}

function livenessWakeup(liveness: Liveness): Wakeup {
  switch (liveness.kind) {
    case 'steady':
      return { at: liveness.keepaliveAt, reason: 'path: keepalive' };
    case 'checking': {
      const step = liveness.sent < CHECK_PROBES ? `check ${liveness.sent + 1} of ${CHECK_PROBES}` : 'give it up';
      return { at: liveness.probeAt, reason: `path: ${step}` };
    }
    default:
      return assertNever(liveness);
  }
}
