// Searches for a direct path to one peer, keeps it, and leaves it when it fails or another one is clearly better: the states of a
// path agent, and what is done in each. Data goes by the relay, if there is one, while no direct path is in use.
//
//     idle ──start──► searching ──answer──► connected ──probes or data unanswered──► searching
//                      ▲     │ nothing in time
//                      │     ▼
//                     waiting (pause, doubling)
//
// With a relay a pair without data is idle, and so are pairs that had none for some minutes. When something is due, when a path
// is suspect and which one is better are pure functions: search-schedule.ts, liveness.ts, path-choice.ts. PathAgent owns one.

import type { RandomBytes } from '@shadownet/crypto';
import {
  addDuration,
  assertNever,
  type Duration,
  durationBetween,
  type Instant,
  type Path,
  pathsEqual,
  type UdpPath,
  type Wakeup,
} from '@shadownet/primitives';
import type { CandidateEntry } from './candidate-table.js';
import { DataFlow } from './data-flow.js';
import type { HardNatSearch } from './hard-nat-search.js';
import type { KnownPaths } from './known-paths.js';
import {
  afterCheckProbe,
  check,
  isInDoubt,
  livenessStep,
  needsDuplicates,
  noteDataReceived,
  steady,
} from './liveness.js';
import { bestConfirmed, isWorthChangingTo, isWorthLeavingTheRelay } from './path-choice.js';
import {
  CONFIRMATION_LIFETIME,
  FRESH_CONFIRMATION,
  FULL_DATAGRAM_BYTES,
  IDLE_MARGIN,
  IDLE_TIME,
  RELAY_ANSWER_TIME,
  RETRY_SEARCH_TIME,
  SEARCH_TIME,
  SETTLE_TIME,
} from './path-constants.js';
import { nextDeadline } from './path-deadlines.js';
import type { LossReason, SearchReason } from './path-event.js';
import type { PathJournal } from './path-journal.js';
import type { PathOutput } from './path-output.js';
import type { Checking, Connected, Searching, State } from './path-state.js';
import type { PeerCalls } from './peer-calls.js';
import type { OpenedAnswer } from './probe-exchange.js';
import type { ProbeSender } from './probe-sender.js';
import { afterExploring, nextRound, retryAfter, unsettled } from './search-schedule.js';
import { timelinePath } from './timeline.js';

const BEGINNING_OF_TIME = 0 as Instant;

export interface PathSearchParts {
  readonly random: RandomBytes;
  readonly paths: KnownPaths;
  readonly sender: ProbeSender;
  readonly calls: PeerCalls;
  readonly hardNats: HardNatSearch;
  readonly journal: PathJournal;
}

export class PathSearch {
  readonly #random: RandomBytes;
  readonly #paths: KnownPaths;
  readonly #sender: ProbeSender;
  readonly #calls: PeerCalls;
  readonly #hardNats: HardNatSearch;
  readonly #journal: PathJournal;
  #state: State = { kind: 'idle', since: BEGINNING_OF_TIME };
  /** Data went out or came in, or somebody asked for a path. */
  #lastActiveAt: Instant = BEGINNING_OF_TIME;

  constructor({ random, paths, sender, calls, hardNats, journal }: PathSearchParts) {
    this.#random = random;
    this.#paths = paths;
    this.#sender = sender;
    this.#calls = calls;
    this.#hardNats = hardNats;
    this.#journal = journal;
  }

  /** The direct path in use. */
  get entry(): CandidateEntry | undefined {
    return this.#state.kind === 'connected' ? this.#state.entry : undefined;
  }

  get state(): Pick<State, 'kind' | 'since'> {
    return this.#state;
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

  /** Sends nothing more of its own accord, until `start` or a sign of life. Requests of the peer are still answered. */
  stop(now: Instant): void {
    this.#journal.note({ kind: 'command', command: 'stop' }, now);
    this.#beIdle(now);
  }

  /** Somebody wants to know of the path: it is looked for, and not left to go quiet. */
  keepActive(now: Instant, out: PathOutput): void {
    if (this.#state.kind === 'idle') this.start(now, out);
    this.#lastActiveAt = now;
  }

  /** Where data must go, too, because it is in doubt whether it arrives by the current path. */
  get duplicatePath(): Path | undefined {
    const state = this.#state;
    return state.kind === 'connected' && needsDuplicates(state) ? this.#paths.relay?.path : undefined;
  }

  /** Data went out to the peer on the current path, in a datagram of so many bytes; 0 if that is not known. */
  dataSent(now: Instant, bytes: number): void {
    this.#lastActiveAt = now;
    this.#journal.noteData(now);
    const state = this.#state;
    if (state.kind === 'idle' && this.#paths.relay && state.wakeAt === undefined) {
      this.#journal.note({ kind: 'command', command: 'traffic' }, now);
      this.#state = { ...state, wakeAt: now };
    }
    if (state.kind !== 'connected') return;
    state.entry.sizes.noteSent(bytes, now);
    state.data.noteSent(bytes, now);
  }

  /** Authenticated data of the peer came on `path`. On another path than ours it says nothing about ours. */
  dataReceived(path: Path, now: Instant, bytes: number): void {
    this.#lastActiveAt = now;
    this.#journal.noteData(now);
    this.#paths.entry(path)?.receipt.noteReceived(bytes, now);
    const state = this.#state;
    if (state.kind !== 'connected' || !pathsEqual(path, state.entry.path)) return;
    noteDataReceived(state, now, this.#random);
  }

  // ── What is heard of the peer ─────────────────────────────────────────────────────────────────────────────────────

  /** The peer named these, which are new. */
  candidatesAdded(added: readonly CandidateEntry[], now: Instant, out: PathOutput): void {
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

  /** What our calls tell has changed: a peer that we are looking for hears of it at once. */
  ownCallChanged(now: Instant, out: PathOutput): void {
    const state = this.#state;
    const isLooking = state.kind === 'searching' || (state.kind === 'connected' && isInDoubt(state));
    if (!isLooking) return;
    this.#calls.send(now, out);
    if (state.kind === 'searching') this.#hardNats.schedule(this.#calls.nats, now);
  }

  /** Others see us elsewhere than before: the peer may have lost us, and our probe shows it the new address. */
  addressChanged(now: Instant, out: PathOutput): void {
    this.ownCallChanged(now, out);
    if (this.#state.kind !== 'connected' || isInDoubt(this.#state)) return;
    this.#calls.send(now, out);
    this.#suspect('check-requested', now, out);
  }

  /** The peer searches, and has said where it can be found: both sides probe in the same moment. `added` are new. */
  called(added: readonly CandidateEntry[], now: Instant, out: PathOutput): void {
    this.#lastActiveAt = now;
    const state = this.#state;
    switch (state.kind) {
      case 'idle':
        return this.#search('called', SEARCH_TIME, 0, now, out);
      case 'waiting':
        // Who backs off stays in step with a peer that does.
        return this.#search('called', added.length > 0 ? SEARCH_TIME : RETRY_SEARCH_TIME, state.failures, now, out);
      case 'searching':
        this.#hardNats.schedule(this.#calls.nats, now);
        return this.#sender.probeAll(this.#paths.candidates, now, out);
      case 'connected':
        this.#unsettle(state, now);
        this.#sender.probeAll(added, now, out);
        return this.#suspect('peer-searches', now, out);
      default:
        return assertNever(state);
    }
  }

  /** The path of `entry` works in both directions: our request went there, its answer came from there. */
  answered(entry: CandidateEntry, { rtt: measured, report, probe }: OpenedAnswer, now: Instant): void {
    if (report) entry.sizes.noteReport(report, now);
    if (entry.sizes.noteProven(probe.bytes) && entry === this.entry) this.#reportSizes(entry, now);
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
          state.liveness = steady(measured, now, this.#random);
          state.data.noteAnswered();
          this.#journal.tell({ kind: 'rtt', path: entry.path, rtt });
        } else if (isWorthChangingTo(entry, state, now)) {
          this.#select(entry, rtt, now);
        }
        return;
      default:
        return assertNever(state);
    }
  }

  /**
   * The peer is alive and has sent from `path`. A new address becomes a candidate. It is probed at once (a triggered check,
   * RFC 8445 §7.3.1.4), and so is the current path, which the peer seems to have left.
   */
  heard(path: UdpPath, now: Instant, out: PathOutput): void {
    if (!this.#paths.isUsable(path.remote)) return;
    const { entry, added } = this.#paths.learn(path, this.entry);
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

  // ── Time ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  handleTimeout(now: Instant, out: PathOutput): void {
    if (this.#idleAt !== undefined && now >= this.#idleAt) return this.#goQuiet(now);
    this.#hardNats.handleTimeout(() => this.#calls.nats, now, out);
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

  // ── Searching ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #search(reason: SearchReason, span: Duration, failures: number, now: Instant, out: PathOutput): void {
    this.#journal.tell({ kind: 'search-started', reason });
    this.#journal.note({ kind: 'search', reason }, now);
    // Who is called calls back, so that both know of each other's NAT. A peer that searches already does not call again.
    this.#calls.send(now, out);
    const { relay } = this.#paths;
    if (relay) this.#sender.probe(relay, now, out);
    this.#hardNats.schedule(this.#calls.nats, now);
    const until = addDuration(now, span);
    const callAt = relay && addDuration(now, RELAY_ANSWER_TIME);
    this.#searchRound({ kind: 'searching', since: now, until, roundAt: now, callAt, failures }, now, out);
  }

  #searchRound(state: Searching, now: Instant, out: PathOutput): void {
    const callAt = state.callAt !== undefined && now >= state.callAt ? undefined : state.callAt;
    this.#state = { ...state, roundAt: nextRound(now, this.#random), callAt };
    const isRelayThere = this.#paths.relay?.confirmedWithin(durationBetween(state.since, now), now) ?? false;
    if (state.callAt !== undefined && callAt === undefined && !isRelayThere) this.#calls.sendByControl(now);
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

  #select(entry: CandidateEntry, rtt: Duration, now: Instant): void {
    const before = this.entry;
    this.#state = {
      kind: 'connected',
      since: now,
      entry,
      liveness: steady(rtt, now, this.#random),
      data: new DataFlow(),
      roundAt: nextRound(now, this.#random),
      settledAt: addDuration(now, SETTLE_TIME),
      explored: 0,
    };
    this.#journal.selected(entry.path, rtt, now);
    this.#hardNats.stop(entry, now);
    this.#hardNats.leave(before, entry);
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
    // A silence is looked into once.
    state.data.noteDoubted();
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
    this.#calls.send(now, out);
  }

  /** What answered a moment ago is taken at once; older confirmations count for nothing in the search that follows. */
  #lose(state: Connected, reason: LossReason, now: Instant, out: PathOutput): void {
    // The peer has gone quiet a little before us, and with it the socket that our keepalive was for: a search would wake it.
    if (reason === 'keepalive-unanswered' && this.#isAlmostIdle(now)) return this.#goQuiet(now);
    this.#journal.lost(state.entry.path, reason, now);
    state.entry.forgetLocalAddress();
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

  #isAlmostIdle(now: Instant): boolean {
    const idleAt = this.#idleAt;
    return idleAt !== undefined && durationBetween(now, idleAt) <= IDLE_MARGIN;
  }

  #goQuiet(now: Instant): void {
    const current = this.entry;
    if (current) this.#journal.lost(current.path, 'idle', now);
    this.#beIdle(now);
    if (current) this.#fallBack(now);
  }

  #beIdle(now: Instant): void {
    const current = this.entry;
    this.#hardNats.stop(undefined, now);
    this.#state = { kind: 'idle', since: now };
    this.#hardNats.leave(current, undefined);
  }

  // ── What becomes of data ──────────────────────────────────────────────────────────────────────────────────────────

  /** Twice a second while data flows: answers tell how much of it came, and of which size. */
  #askForReport(now: Instant, out: PathOutput): void {
    const state = this.#state;
    if (state.kind !== 'connected' || state.data.reportAt === undefined || now < state.data.reportAt) return;
    state.data.noteReportAsked();
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
}
