// Finds and keeps a working path to one peer: authenticated probes to all its candidates, the best of those that answer,
// liveness from data and keepalives. Built on the ideas of ICE (RFC 8445) with two equal ends and no roles. Data goes by a
// relay, if there is one, while no direct path is in use. Sans-IO, one per peer, owned by libs/tunnel.
//
//     idle ──start──► searching ──answer──► connected ──probes or data unanswered──► searching
//                      ▲     │ nothing in time
//                      │     ▼
//                     waiting (pause, doubling)
//
// With a relay a pair without data is idle, and so are pairs that had none for some minutes.

import type { RandomBytes } from '@shadownet/crypto';
import {
  addDuration,
  assertNever,
  type Duration,
  earliestWakeup,
  formatEndpoint,
  type Instant,
  type IpPrefix,
  milliseconds,
  type Path,
  pathsEqual,
  publicKeysEqual,
  type RelayPath,
  remoteOf,
  type UdpPath,
  udpPath,
  type Wakeup,
  withoutLocalAddress,
} from '@shadownet/primitives';
import type { StunMessage } from '@shadownet/stun';
import { type Call, decodeCall } from './call.js';
import { CallLimiter } from './call-limiter.js';
import { type Candidate, isUsableCandidate } from './candidate.js';
import { type CandidateEntry, CandidateTable, PathEntry, type RelayEntry } from './candidate-table.js';
import { DestinationLimiter } from './destination-limiter.js';
import { jittered } from './jitter.js';
import { type NatTraits, UNKNOWN_NAT } from './nat-traits.js';
import {
  CHECK_INTERVAL,
  CHECK_PROBES,
  CONFIRMATION_LIFETIME,
  DATA_LOSS_TIME,
  DATA_LOSS_TIME_WITHOUT_RELAY,
  EXPLORE_INTERVAL,
  FIRST_PAUSE,
  FRESH_CONFIRMATION,
  FULL_DATAGRAM_BYTES,
  IDLE_TIME,
  KEEPALIVE_INTERVAL,
  LONGEST_PAUSE,
  LONGEST_UNMEASURED,
  LONGEST_RELAYED_PAUSE,
  MAX_EXPLORE_DOUBLINGS,
  PAUSE_JITTER,
  REPORT_INTERVAL,
  REPORTED_BYTES,
  REPORTED_PACKETS,
  RETRY_SEARCH_TIME,
  ROUND_INTERVAL,
  SEARCH_TIME,
  SETTLE_TIME,
} from './path-constants.js';
import type { PathAgentOptions, PathCounters, ProbeResult } from './path-agent-types.js';
import type { LossReason, PathEvent, SearchReason } from './path-event.js';
import type { PathOutput } from './path-output.js';
import { clearlyBetter } from './path-score.js';
import {
  type Connected,
  dataDoubtAt,
  isAnswering,
  isInDoubt,
  type Liveness,
  livenessWakeup,
  type Searching,
  type State,
  wakeup,
} from './path-state.js';
import { candidateStatus, type PathStatus } from './path-status.js';
import { PathsError } from './paths-error.js';
import { guessRole, PortGuessing } from './port-guessing.js';
import { type OpenedAnswer, ProbeExchange, type ProbeKind } from './probe-exchange.js';
import type { PathReport } from './probe-message.js';
import { type Recording, Timeline, timelinePath } from './timeline.js';

const BEGINNING_OF_TIME = 0 as Instant;

export class PathAgent {
  readonly #random: RandomBytes;
  readonly #overlay: readonly IpPrefix[];
  readonly #ownCall: () => Call;
  readonly #limiter: DestinationLimiter;
  readonly #candidates = new CandidateTable();
  readonly #messages: ProbeExchange;
  readonly #calls = new CallLimiter();
  readonly #guessing: PortGuessing | undefined;
  readonly #timeline = new Timeline();
  readonly #events: PathEvent[] = [];
  #state: State = { kind: 'idle', since: BEGINNING_OF_TIME };
  #relay: RelayEntry | undefined;
  /** What the peer's calls name, besides what the network map does. */
  #announced: { readonly map: readonly Candidate[]; readonly call: readonly Candidate[] } = { map: [], call: [] };
  #remoteNat: NatTraits = UNKNOWN_NAT;
  /** Data went out or came in, or somebody asked for a path. */
  #lastActiveAt: Instant = BEGINNING_OF_TIME;
  readonly counters: PathCounters = {
    probesSent: 0,
    probesHeldBack: 0,
    requestsAnswered: 0,
    callsSent: 0,
    dropped: {},
  };

  constructor(options: PathAgentOptions) {
    if (publicKeysEqual(options.localPublicKey, options.remotePublicKey)) {
      throw new PathsError('own-key', 'a node has no path to itself');
    }
    this.#random = options.random;
    this.#messages = new ProbeExchange(options);
    this.#overlay = options.overlayPrefixes ?? [];
    this.#ownCall = options.ownCall ?? (() => ({ candidates: [], nat: UNKNOWN_NAT }));
    this.#limiter = options.limiter ?? new DestinationLimiter();
    this.#guessing = options.guessing ? new PortGuessing(options.random) : undefined;
  }

  // ── What is known ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Replaces what the peer announced; unusable ones and those beyond 16 are left out. New ones are probed at once. */
  setRemoteCandidates(candidates: readonly Candidate[], now: Instant, out: PathOutput): void {
    this.#announced = { ...this.#announced, map: candidates };
    const added = this.#announce();
    if (added.length === 0) return;
    this.#noteCandidates('map', candidates, now);
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

  /** The relay at which the peer can be reached, or that there is none (any more). Data goes there while no path is direct. */
  setRelay(path: RelayPath | undefined, now: Instant): void {
    const before = this.#relay;
    if (before && path && pathsEqual(before.path, path)) return;
    this.#relay = path && new PathEntry(path);
    this.#timeline.note({ kind: 'relay', isThere: path !== undefined }, now);
    if (this.#state.kind === 'connected') return;
    if (path) this.#tellSelected(path, undefined, now);
    else if (before) this.#tellLost(before.path, 'relay-gone', now);
  }

  /** What `ownCall` says has changed: a peer that we are looking for hears of it at once. */
  noteOwnCallChanged(now: Instant, out: PathOutput): void {
    const state = this.#state;
    const isLooking = state.kind === 'searching' || (state.kind === 'connected' && isInDoubt(state));
    if (!isLooking) return;
    if (this.#relay) this.#call(this.#relay.path, out);
    if (state.kind === 'searching') this.#scheduleGuessing(now);
  }

  /** What the peer's NAT is like, as far as its calls said. */
  get remoteNat(): NatTraits {
    return this.#remoteNat;
  }

  /** An authenticated message of the peer, other than a probe, came by `path`. */
  learn(path: Path, now: Instant, out: PathOutput): void {
    if (path.kind === 'udp') this.#signOfLife(withoutLocalAddress(path) as UdpPath, now, out);
  }

  // ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Searches now. A running search gets its full time again; a path in use is checked, and better ones are looked for. */
  start(now: Instant, out: PathOutput): void {
    this.#timeline.note({ kind: 'command', command: 'start' }, now);
    this.#lastActiveAt = now;
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

  /** Probes the path that data takes now; the answer is told as 'pong'. Like data, it starts a search. False without a path. */
  ping(now: Instant, out: PathOutput): boolean {
    if (this.#state.kind === 'idle') this.start(now, out);
    this.#lastActiveAt = now;
    const entry = this.#currentEntry() ?? this.#relay;
    if (entry) this.#sendProbe(entry.path, { isPing: true }, now, out);
    return entry !== undefined;
  }

  /** Sends nothing more of its own accord, until `start` or a sign of life. Requests of the peer are still answered. */
  stop(now: Instant): void {
    this.#timeline.note({ kind: 'command', command: 'stop' }, now);
    this.#beIdle(now);
  }

  #beIdle(now: Instant): void {
    const current = this.#currentEntry();
    this.#stopGuessing(now);
    this.#state = { kind: 'idle', since: now };
    this.#leaveSocket(current, undefined);
  }

  /** The extra sockets that 'sockets-wanted' asked for. Those that are not wanted any more are given back by an event. */
  useSockets(sockets: readonly number[], now: Instant): void {
    this.#releaseSockets(this.#guessing?.useSockets(sockets, now) ?? sockets);
  }

  // ── Data ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Where data must go, too, because it is in doubt whether it arrives by the current path. */
  get duplicatePath(): Path | undefined {
    const state = this.#state;
    if (state.kind !== 'connected' || state.liveness.kind !== 'checking') return undefined;
    // A peer that calls has the same doubt, and may have had it earlier: what answers its data must not be lost either.
    const { reason } = state.liveness;
    return reason === 'data-unanswered' || reason === 'peer-searches' ? this.#relay?.path : undefined;
  }

  /** Data went out to the peer on the current path, in a datagram of so many bytes; 0 if that is not known. */
  trafficSent(now: Instant, bytes = 0): void {
    this.#lastActiveAt = now;
    const state = this.#state;
    if (state.kind === 'idle' && this.#relay && state.wakeAt === undefined) {
      this.#timeline.note({ kind: 'command', command: 'traffic' }, now);
      this.#state = { ...state, wakeAt: now };
    }
    if (state.kind !== 'connected') return;
    state.entry.sizes.noteSent(bytes, now);
    const unreportedPackets = state.unreportedPackets + 1;
    const isReported = bytes >= REPORTED_BYTES || unreportedPackets >= REPORTED_PACKETS;
    this.#state = {
      ...state,
      unansweredSince: state.unansweredSince ?? (isAnswering(state, now) ? undefined : now),
      unreportedPackets,
      spoke: true,
      reportAt: state.reportAt ?? (isReported ? addDuration(now, REPORT_INTERVAL) : undefined),
    };
  }

  /** Authenticated data of the peer came on `path`. On another path than ours it says nothing about ours. */
  trafficReceived(path: Path, now: Instant, bytes = 0): void {
    this.#lastActiveAt = now;
    this.#entryOf(path)?.receipt.noteReceived(bytes, now);
    const state = this.#state;
    if (state.kind !== 'connected' || !pathsEqual(path, state.entry.path)) return;
    // A conversation that goes on after something of ours is as good as the answer to a keepalive, but it measures no RTT.
    const isMeasured = state.entry.confirmedWithin(LONGEST_UNMEASURED, now);
    const goesOn = state.spoke && isMeasured && state.liveness.kind === 'steady';
    const liveness = goesOn ? this.#steady(milliseconds(0), now) : state.liveness;
    this.#state = { ...state, unansweredSince: undefined, liveness, lastDataAt: now, spoke: false };
  }

  // ── Probes ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A decoded STUN message whose `probeIdOf` is this agent's `incomingId`, with its bytes. What is refused is counted. */
  handleProbe(message: StunMessage, datagram: Uint8Array, from: Path, now: Instant, out: PathOutput): ProbeResult {
    const result = this.#handleProbe(message, datagram, withoutLocalAddress(from), now, out);
    if (!result.ok) this.counters.dropped[result.reason] = (this.counters.dropped[result.reason] ?? 0) + 1;
    return result;
  }

  // ── Time ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  handleTimeout(now: Instant, out: PathOutput): void {
    if (this.#idleAt !== undefined && now >= this.#idleAt) return this.#goQuiet(now);
    this.#handleGuessing(now, out);
    const state = this.#state;
    switch (state.kind) {
      case 'idle':
        if (state.wakeAt !== undefined) this.#search('traffic', SEARCH_TIME, 0, now, out);
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
        this.#askForReport(now, out);
        this.#trySizes(now, out);
        return this.#checkLiveness(now, out);
      default:
        return assertNever(state);
    }
  }

  pollTimeout(): Wakeup | undefined {
    const state = this.#state;
    const idle = wakeup(this.#idleAt, 'path: go quiet');
    const guess = wakeup(this.#guessing?.pollTimeout(), 'path: guess ports');
    switch (state.kind) {
      case 'idle':
        return wakeup(state.wakeAt, 'path: look for a direct one');
      case 'searching':
        return earliestWakeup(
          { at: state.roundAt, reason: 'path: probe all candidates' },
          { at: state.until, reason: 'path: pause the search' },
          guess,
          idle,
        );
      case 'waiting':
        return earliestWakeup({ at: state.retryAt, reason: 'path: search again' }, guess, idle);
      case 'connected':
        return earliestWakeup(
          { at: state.roundAt, reason: 'path: look for a better one' },
          livenessWakeup(state.liveness),
          state.liveness.kind === 'steady' ? wakeup(dataDoubtAt(state), 'path: data unanswered') : undefined,
          wakeup(state.reportAt, 'path: ask what came of the data'),
          wakeup(state.entry.sizes.pollTimeout(), 'path: try sizes'),
          idle,
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
    return this.#messages.nextCounter;
  }

  /** What happened so far, as far back as is kept. */
  get recording(): Recording {
    return this.#timeline.recording;
  }

  status(now: Instant): PathStatus {
    const current = this.#currentEntry() ?? this.#relay;
    return {
      state: this.#state.kind,
      since: this.#state.since,
      ...(current && { path: current.path }),
      ...(current?.confirmation && { rtt: current.confirmation.rtt }),
      candidates: this.#candidates.entries.map((entry) => candidateStatus(entry, now)),
    };
  }

  // ── What the peer sends ───────────────────────────────────────────────────────────────────────────────────────────

  #handleProbe(message: StunMessage, datagram: Uint8Array, from: Path, now: Instant, out: PathOutput): ProbeResult {
    const remote = remoteOf(from);
    if (remote && !isUsableCandidate(remote, this.#overlay)) return { ok: false, reason: 'unusable-source' };
    const probe = this.#messages.open(message, datagram, from, now);
    if (!probe.ok) return probe;
    switch (probe.kind) {
      case 'request': {
        const report = this.#entryOf(from)?.receipt.report(now) ?? NO_DATA;
        if (!this.#messages.sendResponse(probe, from, report, out)) return { ok: false, reason: 'request-too-short' };
        this.counters.requestsAnswered += 1;
        if (from.kind === 'udp') this.#signOfLife(from, now, out);
        return { ok: true };
      }
      case 'answer':
        this.#handleAnswer(probe, now);
        return { ok: true };
      case 'call':
        return this.#handleCall(probe.value, now, out);
      default:
        return assertNever(probe);
    }
  }

  #handleAnswer({ probe, rtt, report }: OpenedAnswer, now: Instant): void {
    const { path, bytes, isGuess, isPing } = probe;
    if (isPing) this.#events.push({ kind: 'pong', path, rtt });
    if (!isGuess) this.#timeline.noteAnswer(path, rtt, now);
    if (path.kind === 'relay') {
      if (this.#relay && pathsEqual(path, this.#relay.path)) this.#relay.confirm(rtt, now);
      return;
    }
    // A candidate that was withdrawn while its answer was on the way is none any more; a port that was guessed is one now.
    const entry = this.#candidates.get(path) ?? (isGuess ? this.#learn(path).entry : undefined);
    if (!entry) return;
    if (report) entry.sizes.noteReport(report, now);
    if (entry.sizes.noteProven(bytes) && entry === this.#currentEntry()) this.#reportSizes(entry, now);
    this.#confirmed(entry, rtt, now);
  }

  /** The peer searches, and says where it can be found: both sides probe in the same moment. */
  #handleCall(value: Uint8Array, now: Instant, out: PathOutput): ProbeResult {
    if (!this.#calls.admit(now)) return { ok: false, reason: 'calls-limited' };
    const call = decodeCall(value);
    if (!call) return { ok: false, reason: 'malformed-call' };
    this.#remoteNat = call.nat;
    this.#announced = { ...this.#announced, call: call.candidates };
    this.#noteCandidates('call', call.candidates, now);
    this.#timeline.note({ kind: 'nats', local: this.#ownCall().nat, remote: call.nat }, now);
    const added = this.#announce();
    this.#lastActiveAt = now;
    const state = this.#state;
    switch (state.kind) {
      case 'idle':
        this.#search('called', SEARCH_TIME, 0, now, out);
        return { ok: true };
      case 'waiting':
        // Who backs off stays in step with a peer that does.
        this.#search('called', added.length > 0 ? SEARCH_TIME : RETRY_SEARCH_TIME, state.failures, now, out);
        return { ok: true };
      case 'searching':
        this.#scheduleGuessing(now);
        this.#probeAll(this.#candidates.entries, now, out);
        return { ok: true };
      case 'connected':
        this.#state = this.#unsettled(state, now);
        this.#probeAll(added, now, out);
        this.#suspect('peer-searches', now, out);
        return { ok: true };
      default:
        return assertNever(state);
    }
  }

  /** The path of `entry` works in both directions: our request went there, its answer came from there. */
  #confirmed(entry: CandidateEntry, measured: Duration, now: Instant): void {
    const rtt = entry.confirm(measured, now);
    const state = this.#state;
    switch (state.kind) {
      case 'idle':
        return;
      case 'searching':
      case 'waiting':
        if (this.#isWorthLeavingTheRelay(entry, now)) this.#select(entry, rtt, now);
        return;
      case 'connected':
        if (entry === state.entry) {
          this.#state = {
            ...state,
            liveness: this.#steady(measured, now),
            unansweredSince: undefined,
          };
          this.#events.push({ kind: 'rtt', path: entry.path, rtt });
        } else if (isInDoubt(state) || clearlyBetter(entry.scoreAt(now), state.entry.scoreAt(now))) {
          this.#select(entry, rtt, now);
        }
        return;
      default:
        return assertNever(state);
    }
  }

  #isWorthLeavingTheRelay(entry: CandidateEntry, now: Instant): boolean {
    return !this.#relay || clearlyBetter(entry.scoreAt(now), this.#relay.scoreAt(now));
  }

  #select(entry: CandidateEntry, rtt: Duration, now: Instant): void {
    const before = this.#currentEntry();
    this.#state = {
      kind: 'connected',
      since: now,
      entry,
      liveness: this.#steady(rtt, now),
      unansweredSince: undefined,
      roundAt: addDuration(now, jittered(ROUND_INTERVAL, this.#random)),
      settledAt: addDuration(now, SETTLE_TIME),
      explored: 0,
      lastDataAt: undefined,
      spoke: false,
      reportAt: undefined,
      unreportedPackets: 0,
    };
    this.#tellSelected(entry.path, rtt, now);
    this.#stopGuessing(now, entry.path.socket);
    this.#leaveSocket(before, entry);
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
    const { entry, added } = this.#learn(path);
    if (added) this.#timeline.note({ kind: 'heard', path: timelinePath(path) }, now);
    switch (this.#state.kind) {
      case 'idle':
        // With a relay a peer that wants something calls; otherwise its last probes would keep both awake.
        if (!this.#relay) this.#search('sign-of-life', SEARCH_TIME, 0, now, out);
        return;
      case 'waiting':
        return this.#search('sign-of-life', SEARCH_TIME, 0, now, out);
      case 'searching':
        return this.#probeAll([entry], now, out);
      case 'connected':
        if (entry === this.#state.entry || entry.confirmedWithin(CONFIRMATION_LIFETIME, now)) return;
        if (added) this.#state = this.#unsettled(this.#state, now);
        this.#probeAll([entry], now, out);
        return this.#suspect('peer-moved', now, out);
      default:
        return assertNever(this.#state);
    }
  }

  // ── Searching ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #search(reason: SearchReason, span: Duration, failures: number, now: Instant, out: PathOutput): void {
    this.#events.push({ kind: 'search-started', reason });
    this.#timeline.note({ kind: 'search', reason }, now);
    if (this.#relay) {
      // Who is called calls back, so that both know of each other's NAT. A peer that searches already does not call again.
      this.#call(this.#relay.path, out);
      this.#probe(this.#relay, now, out);
    }
    this.#scheduleGuessing(now);
    const until = addDuration(now, span);
    this.#searchRound({ kind: 'searching', since: now, until, roundAt: now, failures }, now, out);
  }

  #searchRound(state: Searching, now: Instant, out: PathOutput): void {
    this.#state = { ...state, roundAt: addDuration(now, jittered(ROUND_INTERVAL, this.#random)) };
    this.#probeAll(this.#candidates.entries, now, out);
  }

  /** 2 s, 4 s, 8 s, 16 s, 30 s, 30 s… each longer by up to a quarter; up to 5 min where data goes by a relay. */
  #pause({ failures }: Searching, now: Instant): void {
    const limit = this.#relay ? LONGEST_RELAYED_PAUSE : LONGEST_PAUSE;
    const pause = milliseconds(Math.min(FIRST_PAUSE * 2 ** failures, limit));
    const longest = milliseconds(pause * (1 + PAUSE_JITTER));
    const retryAt = addDuration(now, jittered([pause, longest], this.#random));
    this.#state = { kind: 'waiting', since: now, retryAt, failures: failures + 1 };
    this.#events.push({ kind: 'search-paused', retryAt });
  }

  #exploreRound(state: Connected, now: Instant, out: PathOutput): void {
    const isSettled = now >= state.settledAt;
    const wait = isSettled
      ? milliseconds(jittered(EXPLORE_INTERVAL, this.#random) * 2 ** Math.min(state.explored, MAX_EXPLORE_DOUBLINGS))
      : jittered(ROUND_INTERVAL, this.#random);
    const explored = isSettled ? state.explored + 1 : 0;
    this.#state = { ...state, roundAt: addDuration(now, wait), explored };
    const others = this.#candidates.entries.filter((entry) => entry !== state.entry);
    this.#probeAll(others, now, out);
  }

  /** Lets the other candidates be probed frequently again for a while. */
  #unsettled(state: Connected, now: Instant): Connected {
    const soon = addDuration(now, jittered(ROUND_INTERVAL, this.#random));
    const roundAt = soon < state.roundAt ? soon : state.roundAt;
    return { ...state, roundAt, settledAt: addDuration(now, SETTLE_TIME) };
  }

  #announce(): CandidateEntry[] {
    const { call, map } = this.#announced;
    const usable = [...call, ...map].filter(({ endpoint }) => isUsableCandidate(endpoint, this.#overlay));
    return this.#candidates.announce(usable, this.#currentEntry());
  }

  #learn(path: UdpPath): { readonly entry: CandidateEntry; readonly added: boolean } {
    return this.#candidates.learn(path, this.#currentEntry());
  }

  // ── Ports of hard NATs ────────────────────────────────────────────────────────────────────────────────────────────

  #scheduleGuessing(now: Instant): void {
    const role = guessRole(this.#ownCall().nat, this.#remoteNat);
    if (role) this.#guessing?.schedule(role, now);
  }

  #handleGuessing(now: Instant, out: PathOutput): void {
    const guessAt = this.#guessing?.pollTimeout();
    if (guessAt === undefined || now < guessAt) return;
    const wasBegun = this.#guessing!.hasBegun;
    const candidates = this.#candidates.entries.map(({ candidate }) => candidate);
    const step = this.#guessing!.handleTimeout(candidates, this.#remoteNat, now);
    const role = guessRole(this.#ownCall().nat, this.#remoteNat);
    if (!wasBegun && this.#guessing!.hasBegun && role) this.#timeline.note({ kind: 'guessing', role }, now);
    switch (step?.kind) {
      case undefined:
        return;
      case 'open-sockets':
        this.#events.push({ kind: 'sockets-wanted', count: step.count });
        return;
      case 'probe-from':
        for (const socket of step.sockets)
          this.#sendProbe({ ...udpPath(step.to), socket }, { isGuess: true }, now, out);
        return;
      case 'probe-ports':
        for (const to of step.to) this.#sendProbe(udpPath(to), { isGuess: true }, now, out);
        return;
      case 'give-up':
        return this.#releaseSockets(step.sockets);
      default:
        return assertNever(step);
    }
  }

  /** Of the extra sockets only `keep` is of use from now on. */
  #stopGuessing(now: Instant, keep = 0): void {
    this.#releaseSockets((this.#guessing?.stop(now) ?? []).filter((socket) => socket !== keep));
  }

  /** A path by an extra socket was left: that was all it was open for. */
  #leaveSocket(before: CandidateEntry | undefined, next: CandidateEntry | undefined): void {
    const socket = before?.path.socket ?? 0;
    if (socket !== 0 && socket !== next?.path.socket) this.#releaseSockets([socket]);
  }

  #releaseSockets(sockets: readonly number[]): void {
    if (sockets.length === 0) return;
    this.#candidates.forgetSockets(sockets);
    this.#events.push({ kind: 'sockets-unneeded', sockets });
  }

  // ── Liveness ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #checkLiveness(now: Instant, out: PathOutput): void {
    if (this.#state.kind !== 'connected') return;
    const { liveness } = this.#state;
    if (liveness.kind === 'checking') {
      if (now >= liveness.until) return this.#lose(this.#state, liveness.reason, now, out);
      if (now >= liveness.probeAt) this.#checkProbe(this.#state, liveness, now, out);
      return;
    }
    if (now >= liveness.keepaliveAt) return this.#suspect('keepalive-unanswered', now, out);
    const doubtAt = dataDoubtAt(this.#state);
    if (doubtAt !== undefined && now >= doubtAt) this.#suspect('data-unanswered', now, out);
  }

  /** Probes the current path, now and until it answers or is lost. Every keepalive is such a check, mostly of one probe. */
  #suspect(reason: LossReason, now: Instant, out: PathOutput): void {
    const state = this.#state;
    if (state.kind !== 'connected' || state.liveness.kind === 'checking') return;
    const patience = this.#relay ? DATA_LOSS_TIME : DATA_LOSS_TIME_WITHOUT_RELAY;
    const until =
      reason === 'data-unanswered'
        ? addDuration(state.unansweredSince ?? now, patience)
        : addDuration(now, milliseconds(CHECK_PROBES * CHECK_INTERVAL));
    this.#checkProbe(state, { kind: 'checking', reason, sent: 0, probeAt: now, until }, now, out);
  }

  #checkProbe(state: Connected, check: Liveness & { kind: 'checking' }, now: Instant, out: PathOutput): void {
    this.#probe(state.entry, now, out);
    const probeAt = addDuration(now, CHECK_INTERVAL);
    const next: Connected = { ...state, liveness: { ...check, sent: check.sent + 1, probeAt } };
    this.#state = next;
    if (!isInDoubt(next) || isInDoubt(state)) return;
    // Before it is given up, something else is looked for: an address may have changed, ours or the peer's.
    this.#state = this.#unsettled(next, now);
    this.#events.push({ kind: 'path-in-doubt', path: state.entry.path });
    if (this.#relay) this.#call(this.#relay.path, out);
  }

  /** What answered a moment ago is taken at once; older confirmations count for nothing in the search that follows. */
  #lose(state: Connected, reason: LossReason, now: Instant, out: PathOutput): void {
    this.#tellLost(state.entry.path, reason, now);
    for (const entry of this.#candidates.entries) {
      if (entry === state.entry || !entry.confirmedWithin(FRESH_CONFIRMATION, now)) entry.confirmation = undefined;
    }
    this.#leaveSocket(state.entry, undefined);
    this.#search('path-lost', SEARCH_TIME, 0, now, out);
    const best = this.#candidates.entries.reduce<CandidateEntry | undefined>(
      (best, entry) =>
        entry.confirmation && (!best || clearlyBetter(entry.scoreAt(now), best.scoreAt(now))) ? entry : best,
      undefined,
    );
    if (best?.confirmation && this.#isWorthLeavingTheRelay(best, now)) this.#select(best, best.confirmation.rtt, now);
    else this.#fallBack(now);
  }

  /** No path is direct: data goes by the relay, if there is one. */
  #fallBack(now: Instant): void {
    if (this.#relay) this.#tellSelected(this.#relay.path, this.#relay.confirmation?.rtt, now);
  }

  get #idleAt(): Instant | undefined {
    return this.#relay && this.#state.kind !== 'idle' ? addDuration(this.#lastActiveAt, IDLE_TIME) : undefined;
  }

  #goQuiet(now: Instant): void {
    const current = this.#currentEntry();
    if (current) this.#tellLost(current.path, 'idle', now);
    this.#beIdle(now);
    if (current) this.#fallBack(now);
  }

  // ── What becomes of data ──────────────────────────────────────────────────────────────────────────────────────────

  /** Twice a second while data flows: answers tell how much of it came, and of which size. */
  #askForReport(now: Instant, out: PathOutput): void {
    const state = this.#state;
    if (state.kind !== 'connected' || state.reportAt === undefined || now < state.reportAt) return;
    this.#state = { ...state, reportAt: undefined, unreportedPackets: 0 };
    // What the peer sends may still come in while nothing of ours goes out.
    if (state.entry.unanswered >= 2) return this.#suspect('data-unanswered', now, out);
    this.#probe(state.entry, now, out);
  }

  #trySizes(now: Instant, out: PathOutput): void {
    const state = this.#state;
    if (state.kind !== 'connected') return;
    const { entry } = state;
    const step = entry.sizes.handleTimeout(now);
    if (!step) return;
    if ('probe' in step) {
      for (const bytes of step.probe) this.#sendProbe(entry.path, { bytes }, now, out);
      return;
    }
    this.#reportSizes(entry, now);
    const { losesBytes } = step.result;
    const isUnfit = losesBytes !== undefined && losesBytes <= FULL_DATAGRAM_BYTES;
    if (isUnfit && this.#relay) this.#lose(state, 'full-size-lost', now, out);
  }

  #reportSizes({ path, sizes }: CandidateEntry, now: Instant): void {
    this.#events.push({ kind: 'path-mtu', path, provenBytes: sizes.provenBytes, losesBytes: sizes.lossAt(now) });
  }

  // ── Telling ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #tellSelected(path: Path, rtt: Duration | undefined, now: Instant): void {
    this.#events.push({ kind: 'path-selected', path, rtt });
    this.#timeline.note({ kind: 'selected', path: timelinePath(path), rtt: rtt ?? null }, now);
  }

  #tellLost(path: Path, reason: LossReason, now: Instant): void {
    this.#events.push({ kind: 'path-lost', path, reason });
    this.#timeline.note({ kind: 'lost', path: timelinePath(path), reason }, now);
  }

  #noteCandidates(source: 'map' | 'call', candidates: readonly Candidate[], now: Instant): void {
    const named = candidates.map(({ kind, endpoint }) => ({ kind, endpoint: formatEndpoint(endpoint) }));
    this.#timeline.note({ kind: 'candidates', source, candidates: named }, now);
  }

  // ── Sending ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #probeAll(entries: readonly CandidateEntry[], now: Instant, out: PathOutput): void {
    for (const entry of entries) this.#probe(entry, now, out);
  }

  /** Nothing is sent if the destination's limit holds it back. */
  #probe(entry: PathEntry, now: Instant, out: PathOutput): void {
    if (!this.#limiter.admit(entry.path, now)) {
      this.counters.probesHeldBack += 1;
      return;
    }
    entry.unanswered += 1;
    this.#sendProbe(entry.path, {}, now, out);
  }

  #sendProbe(path: Path, kind: ProbeKind, now: Instant, out: PathOutput): void {
    this.counters.probesSent += 1;
    if (!kind.isGuess && kind.bytes === undefined) this.#timeline.noteProbe(path, now);
    this.#messages.sendRequest(path, kind, now, out);
  }

  /** "Call me maybe": asks the peer to probe us now. */
  #call(relay: RelayPath, out: PathOutput): void {
    this.counters.callsSent += 1;
    this.#messages.sendCall(relay, this.#ownCall(), out);
  }

  #currentEntry(): CandidateEntry | undefined {
    return this.#state.kind === 'connected' ? this.#state.entry : undefined;
  }

  #entryOf(path: Path): PathEntry | undefined {
    if (path.kind === 'udp') return this.#candidates.get(path);
    return this.#relay && pathsEqual(path, this.#relay.path) ? this.#relay : undefined;
  }
}

const NO_DATA: PathReport = { packets: 0, largestBytes: 0 };
