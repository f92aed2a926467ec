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
//
// Here is what happens in each state. What is known of paths, when something is due, when a path is suspect and which one is
// better stand in known-paths.ts, search-schedule.ts, liveness.ts and path-choice.ts.

import type { RandomBytes } from '@shadownet/crypto';
import {
  addDuration,
  assertNever,
  type Duration,
  type Instant,
  type Path,
  pathsEqual,
  publicKeysEqual,
  type RelayPath,
  remoteOf,
  type UdpPath,
  type Wakeup,
  withoutLocalAddress,
} from '@shadownet/primitives';
import type { StunMessage } from '@shadownet/stun';
import { type Call, decodeCall } from './call.js';
import { CallLimiter } from './call-limiter.js';
import type { Candidate } from './candidate.js';
import type { CandidateEntry } from './candidate-table.js';
import { DestinationLimiter } from './destination-limiter.js';
import { HardNatSearch, type NatPair } from './hard-nat-search.js';
import { KnownPaths } from './known-paths.js';
import {
  afterCheckProbe,
  afterDataReceived,
  afterDataSent,
  check,
  isInDoubt,
  livenessStep,
  needsDuplicates,
  steady,
} from './liveness.js';
import { type NatTraits, UNKNOWN_NAT } from './nat-traits.js';
import type { PathAgentOptions, PathCounters, ProbeResult } from './path-agent-types.js';
import { bestConfirmed, isWorthChangingTo, isWorthLeavingTheRelay } from './path-choice.js';
import {
  CONFIRMATION_LIFETIME,
  FRESH_CONFIRMATION,
  FULL_DATAGRAM_BYTES,
  IDLE_TIME,
  RETRY_SEARCH_TIME,
  SEARCH_TIME,
  SETTLE_TIME,
} from './path-constants.js';
import { nextDeadline } from './path-deadlines.js';
import type { LossReason, PathEvent, SearchReason } from './path-event.js';
import { PathJournal } from './path-journal.js';
import type { PathOutput } from './path-output.js';
import type { Checking, Connected, Searching, State } from './path-state.js';
import { candidateStatus, type PathStatus } from './path-status.js';
import { PathsError } from './paths-error.js';
import { PortGuessing } from './port-guessing.js';
import { type OpenedAnswer, ProbeExchange } from './probe-exchange.js';
import type { PathReport } from './probe-message.js';
import { ProbeSender } from './probe-sender.js';
import { afterExploring, nextRound, retryAfter, unsettled } from './search-schedule.js';
import { type Recording, timelinePath } from './timeline.js';

const BEGINNING_OF_TIME = 0 as Instant;

export class PathAgent {
  readonly #random: RandomBytes;
  readonly #ownCall: () => Call;
  readonly #exchange: ProbeExchange;
  readonly #sender: ProbeSender;
  readonly #calls = new CallLimiter();
  readonly #paths: KnownPaths;
  readonly #hardNats: HardNatSearch;
  readonly #journal = new PathJournal();
  #state: State = { kind: 'idle', since: BEGINNING_OF_TIME };
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
    this.#ownCall = options.ownCall ?? (() => ({ candidates: [], nat: UNKNOWN_NAT }));
    this.#paths = new KnownPaths(options.overlayPrefixes ?? []);
    this.#exchange = new ProbeExchange(options);
    const limiter = options.limiter ?? new DestinationLimiter();
    this.#sender = new ProbeSender(this.#exchange, limiter, this.#journal, this.counters);
    const guessing = options.guessing ? new PortGuessing(options.random) : undefined;
    this.#hardNats = new HardNatSearch(guessing, this.#paths, this.#sender, this.#journal);
  }

  // ── What is known ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Replaces what the peer announced; unusable ones and those beyond 16 are left out. New ones are probed at once. */
  setRemoteCandidates(candidates: readonly Candidate[], now: Instant, out: PathOutput): void {
    const added = this.#paths.replaceNamed('map', candidates, this.#currentEntry());
    if (added.length === 0) return;
    this.#journal.noteCandidates('map', candidates, now);
    switch (this.#state.kind) {
      case 'idle':
        return;
      case 'waiting':
        return this.#search('new-candidates', SEARCH_TIME, 0, now, out);
      case 'searching':
        return this.#sender.probeAll(added, now, out);
      case 'connected':
        this.#unsettle(this.#state, now);
        return this.#sender.probeAll(added, now, out);
      default:
        return assertNever(this.#state);
    }
  }

  /** The relay at which the peer can be reached, or that there is none (any more). Data goes there while no path is direct. */
  setRelay(path: RelayPath | undefined, now: Instant): void {
    const before = this.#paths.relay;
    if (!this.#paths.setRelay(path)) return;
    this.#journal.note({ kind: 'relay', isThere: path !== undefined }, now);
    if (this.#state.kind === 'connected') return;
    if (path) this.#journal.selected(path, undefined, now);
    else if (before) this.#journal.lost(before.path, 'relay-gone', now);
  }

  /** What `ownCall` says has changed: a peer that we are looking for hears of it at once. */
  noteOwnCallChanged(now: Instant, out: PathOutput): void {
    const state = this.#state;
    const isLooking = state.kind === 'searching' || (state.kind === 'connected' && isInDoubt(state));
    if (!isLooking) return;
    this.#call(out);
    if (state.kind === 'searching') this.#hardNats.schedule(this.#nats(), now);
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
    this.#journal.note({ kind: 'command', command: 'start' }, now);
    this.#lastActiveAt = now;
    switch (this.#state.kind) {
      case 'idle':
      case 'waiting':
        return this.#search('started', SEARCH_TIME, 0, now, out);
      case 'searching':
        this.#state = { ...this.#state, until: addDuration(now, SEARCH_TIME), failures: 0 };
        return;
      case 'connected':
        this.#unsettle(this.#state, now);
        return this.#suspect('check-requested', now, out);
      default:
        return assertNever(this.#state);
    }
  }

  /** Probes the path that data takes now; the answer is told as 'pong'. Like data, it starts a search. False without a path. */
  ping(now: Instant, out: PathOutput): boolean {
    if (this.#state.kind === 'idle') this.start(now, out);
    this.#lastActiveAt = now;
    const entry = this.#currentEntry() ?? this.#paths.relay;
    if (entry) this.#sender.send(entry.path, { isPing: true }, now, out);
    return entry !== undefined;
  }

  /** Sends nothing more of its own accord, until `start` or a sign of life. Requests of the peer are still answered. */
  stop(now: Instant): void {
    this.#journal.note({ kind: 'command', command: 'stop' }, now);
    this.#beIdle(now);
  }

  #beIdle(now: Instant): void {
    const current = this.#currentEntry();
    this.#hardNats.stop(undefined, now);
    this.#state = { kind: 'idle', since: now };
    this.#hardNats.leave(current, undefined);
  }

  /** The extra sockets that 'sockets-wanted' asked for. Those that are not wanted any more are given back by an event. */
  useSockets(sockets: readonly number[], now: Instant): void {
    this.#hardNats.useSockets(sockets, now);
  }

  // ── Data ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Where data must go, too, because it is in doubt whether it arrives by the current path. */
  get duplicatePath(): Path | undefined {
    const state = this.#state;
    return state.kind === 'connected' && needsDuplicates(state) ? this.#paths.relay?.path : undefined;
  }

  /** Data went out to the peer on the current path, in a datagram of so many bytes; 0 if that is not known. */
  trafficSent(now: Instant, bytes = 0): void {
    this.#lastActiveAt = now;
    const state = this.#state;
    if (state.kind === 'idle' && this.#paths.relay && state.wakeAt === undefined) {
      this.#journal.note({ kind: 'command', command: 'traffic' }, now);
      this.#state = { ...state, wakeAt: now };
    }
    if (state.kind !== 'connected') return;
    state.entry.sizes.noteSent(bytes, now);
    this.#state = afterDataSent(state, bytes, now);
  }

  /** Authenticated data of the peer came on `path`. On another path than ours it says nothing about ours. */
  trafficReceived(path: Path, now: Instant, bytes = 0): void {
    this.#lastActiveAt = now;
    this.#paths.entry(path)?.receipt.noteReceived(bytes, now);
    const state = this.#state;
    if (state.kind !== 'connected' || !pathsEqual(path, state.entry.path)) return;
    this.#state = afterDataReceived(state, now, this.#random);
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
    this.#hardNats.handleTimeout(() => this.#nats(), now, out);
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
    return nextDeadline(this.#state, { idleAt: this.#idleAt, guessAt: this.#hardNats.pollTimeout() });
  }

  pollEvent(): PathEvent | undefined {
    return this.#journal.pollEvent();
  }

  /** Above every counter that was used towards the peer. */
  get nextCounter(): bigint {
    return this.#exchange.nextCounter;
  }

  /** What happened so far, as far back as is kept. */
  get recording(): Recording {
    return this.#journal.recording;
  }

  status(now: Instant): PathStatus {
    const current = this.#currentEntry() ?? this.#paths.relay;
    return {
      state: this.#state.kind,
      since: this.#state.since,
      ...(current && { path: current.path }),
      ...(current?.confirmation && { rtt: current.confirmation.rtt }),
      candidates: this.#paths.candidates.map((entry) => candidateStatus(entry, now)),
    };
  }

  // ── What the peer sends ───────────────────────────────────────────────────────────────────────────────────────────

  #handleProbe(message: StunMessage, datagram: Uint8Array, from: Path, now: Instant, out: PathOutput): ProbeResult {
    const remote = remoteOf(from);
    if (remote && !this.#paths.isUsable(remote)) return { ok: false, reason: 'unusable-source' };
    const probe = this.#exchange.open(message, datagram, from, now);
    if (!probe.ok) return probe;
    switch (probe.kind) {
      case 'request': {
        const report = this.#paths.entry(from)?.receipt.report(now) ?? NO_DATA;
        if (!this.#exchange.sendResponse(probe, from, report, out)) return { ok: false, reason: 'request-too-short' };
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
    if (isPing) this.#journal.tell({ kind: 'pong', path, rtt });
    if (!isGuess) this.#journal.noteAnswer(path, rtt, now);
    if (path.kind === 'relay') {
      if (this.#paths.isRelay(path)) this.#paths.relay?.confirm(rtt, now);
      return;
    }
    // A candidate that was withdrawn while its answer was on the way is none any more; a port that was guessed is one now.
    const entry = this.#paths.candidate(path) ?? (isGuess ? this.#learn(path).entry : undefined);
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
    const added = this.#paths.replaceNamed('call', call.candidates, this.#currentEntry());
    this.#journal.noteCandidates('call', call.candidates, now);
    this.#journal.note({ kind: 'nats', ...this.#nats() }, now);
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
        this.#hardNats.schedule(this.#nats(), now);
        this.#sender.probeAll(this.#paths.candidates, now, out);
        return { ok: true };
      case 'connected':
        this.#unsettle(state, now);
        this.#sender.probeAll(added, now, out);
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
        if (isWorthLeavingTheRelay(entry, this.#paths.relay, now)) this.#select(entry, rtt, now);
        return;
      case 'connected':
        if (entry === state.entry) {
          this.#state = { ...state, liveness: steady(measured, now, this.#random), unansweredSince: undefined };
          this.#journal.tell({ kind: 'rtt', path: entry.path, rtt });
        } else if (isWorthChangingTo(entry, state, now)) {
          this.#select(entry, rtt, now);
        }
        return;
      default:
        return assertNever(state);
    }
  }

  #select(entry: CandidateEntry, rtt: Duration, now: Instant): void {
    const before = this.#currentEntry();
    this.#state = {
      kind: 'connected',
      since: now,
      entry,
      liveness: steady(rtt, now, this.#random),
      unansweredSince: undefined,
      roundAt: nextRound(now, this.#random),
      settledAt: addDuration(now, SETTLE_TIME),
      explored: 0,
      lastDataAt: undefined,
      spoke: false,
      reportAt: undefined,
      unreportedPackets: 0,
    };
    this.#journal.selected(entry.path, rtt, now);
    this.#hardNats.stop(entry, now);
    this.#hardNats.leave(before, entry);
  }

  /**
   * The peer is alive and has sent from `path`. A new address becomes a candidate. It is probed at once (a triggered check,
   * RFC 8445 §7.3.1.4), and so is the current path, which the peer seems to have left.
   */
  #signOfLife(path: UdpPath, now: Instant, out: PathOutput): void {
    if (!this.#paths.isUsable(path.remote)) return;
    const { entry, added } = this.#learn(path);
    if (added) this.#journal.note({ kind: 'heard', path: timelinePath(path) }, now);
    switch (this.#state.kind) {
      case 'idle':
        // With a relay a peer that wants something calls; otherwise its last probes would keep both awake.
        if (!this.#paths.relay) this.#search('sign-of-life', SEARCH_TIME, 0, now, out);
        return;
      case 'waiting':
        return this.#search('sign-of-life', SEARCH_TIME, 0, now, out);
      case 'searching':
        return this.#sender.probeAll([entry], now, out);
      case 'connected':
        if (entry === this.#state.entry || entry.confirmedWithin(CONFIRMATION_LIFETIME, now)) return;
        if (added) this.#unsettle(this.#state, now);
        this.#sender.probeAll([entry], now, out);
        return this.#suspect('peer-moved', now, out);
      default:
        return assertNever(this.#state);
    }
  }

  // ── Searching ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #search(reason: SearchReason, span: Duration, failures: number, now: Instant, out: PathOutput): void {
    this.#journal.tell({ kind: 'search-started', reason });
    this.#journal.note({ kind: 'search', reason }, now);
    // Who is called calls back, so that both know of each other's NAT. A peer that searches already does not call again.
    this.#call(out);
    if (this.#paths.relay) this.#sender.probe(this.#paths.relay, now, out);
    this.#hardNats.schedule(this.#nats(), now);
    const until = addDuration(now, span);
    this.#searchRound({ kind: 'searching', since: now, until, roundAt: now, failures }, now, out);
  }

  #searchRound(state: Searching, now: Instant, out: PathOutput): void {
    this.#state = { ...state, roundAt: nextRound(now, this.#random) };
    this.#sender.probeAll(this.#paths.candidates, now, out);
  }

  #pause({ failures }: Searching, now: Instant): void {
    const retryAt = retryAfter(failures, this.#paths.relay !== undefined, now, this.#random);
    this.#state = { kind: 'waiting', since: now, retryAt, failures: failures + 1 };
    this.#journal.tell({ kind: 'search-paused', retryAt });
  }

  #exploreRound(state: Connected, now: Instant, out: PathOutput): void {
    this.#state = afterExploring(state, now, this.#random);
    const others = this.#paths.candidates.filter((entry) => entry !== state.entry);
    this.#sender.probeAll(others, now, out);
  }

  /** Lets the other candidates be probed frequently again for a while. */
  #unsettle(state: Connected, now: Instant): void {
    this.#state = unsettled(state, now, this.#random);
  }

  #learn(path: UdpPath): { readonly entry: CandidateEntry; readonly added: boolean } {
    return this.#paths.learn(path, this.#currentEntry());
  }

  // ── Liveness ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #checkLiveness(now: Instant, out: PathOutput): void {
    if (this.#state.kind !== 'connected') return;
    const step = livenessStep(this.#state, now);
    switch (step?.kind) {
      case undefined:
        return;
      case 'lose':
        return this.#lose(this.#state, step.reason, now, out);
      case 'suspect':
        return this.#suspect(step.reason, now, out);
      case 'probe':
        return this.#checkProbe(this.#state, step.checking, now, out);
      default:
        return assertNever(step);
    }
  }

  /** Probes the current path, now and until it answers or is lost. Every keepalive is such a check, mostly of one probe. */
  #suspect(reason: LossReason, now: Instant, out: PathOutput): void {
    const state = this.#state;
    if (state.kind !== 'connected' || state.liveness.kind === 'checking') return;
    this.#checkProbe(state, check(reason, state, this.#paths.relay !== undefined, now), now, out);
  }

  #checkProbe(state: Connected, checking: Checking, now: Instant, out: PathOutput): void {
    this.#sender.probe(state.entry, now, out);
    const next: Connected = { ...state, liveness: afterCheckProbe(checking, now) };
    this.#state = next;
    if (!isInDoubt(next) || isInDoubt(state)) return;
    // Before it is given up, something else is looked for: an address may have changed, ours or the peer's.
    this.#unsettle(next, now);
    this.#journal.tell({ kind: 'path-in-doubt', path: state.entry.path });
    this.#call(out);
  }

  /** What answered a moment ago is taken at once; older confirmations count for nothing in the search that follows. */
  #lose(state: Connected, reason: LossReason, now: Instant, out: PathOutput): void {
    this.#journal.lost(state.entry.path, reason, now);
    for (const entry of this.#paths.candidates) {
      if (entry === state.entry || !entry.confirmedWithin(FRESH_CONFIRMATION, now)) entry.confirmation = undefined;
    }
    this.#hardNats.leave(state.entry, undefined);
    this.#search('path-lost', SEARCH_TIME, 0, now, out);
    const best = bestConfirmed(this.#paths.candidates, now);
    const { relay } = this.#paths;
    if (best?.confirmation && isWorthLeavingTheRelay(best, relay, now)) this.#select(best, best.confirmation.rtt, now);
    else this.#fallBack(now);
  }

  /** No path is direct: data goes by the relay, if there is one. */
  #fallBack(now: Instant): void {
    const { relay } = this.#paths;
    if (relay) this.#journal.selected(relay.path, relay.confirmation?.rtt, now);
  }

  get #idleAt(): Instant | undefined {
    return this.#paths.relay && this.#state.kind !== 'idle' ? addDuration(this.#lastActiveAt, IDLE_TIME) : undefined;
  }

  #goQuiet(now: Instant): void {
    const current = this.#currentEntry();
    if (current) this.#journal.lost(current.path, 'idle', now);
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
    this.#sender.probe(state.entry, now, out);
  }

  #trySizes(now: Instant, out: PathOutput): void {
    const state = this.#state;
    if (state.kind !== 'connected') return;
    const { entry } = state;
    const step = entry.sizes.handleTimeout(now);
    if (!step) return;
    if ('probe' in step) {
      for (const bytes of step.probe) this.#sender.send(entry.path, { bytes }, now, out);
      return;
    }
    this.#reportSizes(entry, now);
    const { losesBytes } = step.result;
    const isUnfit = losesBytes !== undefined && losesBytes <= FULL_DATAGRAM_BYTES;
    if (isUnfit && this.#paths.relay) this.#lose(state, 'full-size-lost', now, out);
  }

  #reportSizes({ path, sizes }: CandidateEntry, now: Instant): void {
    this.#journal.tell({ kind: 'path-mtu', path, provenBytes: sizes.provenBytes, losesBytes: sizes.lossAt(now) });
  }

  // ── Calls ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Asks the peer to probe us now, if a relay reaches it. */
  #call(out: PathOutput): void {
    const { relay } = this.#paths;
    if (relay) this.#sender.call(relay.path, this.#ownCall(), out);
  }

  #nats(): NatPair {
    return { local: this.#ownCall().nat, remote: this.#remoteNat };
  }

  #currentEntry(): CandidateEntry | undefined {
    return this.#state.kind === 'connected' ? this.#state.entry : undefined;
  }
}

const NO_DATA: PathReport = { packets: 0, largestBytes: 0 };
