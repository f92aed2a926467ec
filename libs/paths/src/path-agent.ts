// Finds and keeps a working path to one peer: authenticated probes to all its candidates, the best of those that answer,
// liveness from data and keepalives. Built on the ideas of ICE (RFC 8445) with two equal ends and no roles. Data goes by a
// relay, if there is one, while no direct path is in use. Sans-IO, one per peer, owned by libs/tunnel.
//
// This is its face to the tunnel, and what the peer's messages mean; what follows from them is in path-search.ts.

import {
  assertNever,
  type Instant,
  type Path,
  publicKeysEqual,
  type RelayPath,
  remoteOf,
  type Wakeup,
} from '@shadownet/primitives';
import type { StunMessage } from '@shadownet/stun';
import type { Candidate } from './candidate.js';
import { DestinationLimiter } from './destination-limiter.js';
import { HardNatSearch } from './hard-nat-search.js';
import { KnownPaths } from './known-paths.js';
import { type NatTraits, UNKNOWN_NAT } from './nat-traits.js';
import type { PathAgentOptions, PathCounters, ProbeResult } from './path-agent-types.js';
import type { PathEvent } from './path-event.js';
import { PathJournal } from './path-journal.js';
import type { PathOutput } from './path-output.js';
import { PathSearch } from './path-search.js';
import { candidateStatus, type PathStatus } from './path-status.js';
import { PathsError } from './paths-error.js';
import { PeerCalls } from './peer-calls.js';
import { PortGuessing } from './port-guessing.js';
import { type OpenedAnswer, ProbeExchange } from './probe-exchange.js';
import type { PathReport } from './probe-message.js';
import { ProbeSender } from './probe-sender.js';
import type { Recording } from './timeline.js';

export class PathAgent {
  readonly #exchange: ProbeExchange;
  readonly #sender: ProbeSender;
  readonly #calls: PeerCalls;
  readonly #paths: KnownPaths;
  readonly #hardNats: HardNatSearch;
  readonly #journal = new PathJournal();
  readonly #search: PathSearch;
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
    const { random, limiter = new DestinationLimiter() } = options;
    const ownCall = options.ownCall ?? (() => ({ candidates: [], nat: UNKNOWN_NAT }));
    const guessing = options.guessing ? new PortGuessing(random) : undefined;
    const journal = this.#journal;
    const paths = (this.#paths = new KnownPaths(options.overlayPrefixes ?? []));
    this.#exchange = new ProbeExchange(options);
    const sender = (this.#sender = new ProbeSender(this.#exchange, limiter, journal, this.counters));
    const calls = (this.#calls = new PeerCalls(ownCall, paths, sender, journal));
    const hardNats = (this.#hardNats = new HardNatSearch(guessing, paths, sender, journal));
    this.#search = new PathSearch({ random, paths, sender, calls, hardNats, journal });
  }

  // ── What is known ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Replaces what the peer announced; unusable ones and those beyond 16 are left out. New ones are probed at once. */
  setRemoteCandidates(candidates: readonly Candidate[], now: Instant, out: PathOutput): void {
    const added = this.#paths.replaceNamed('map', candidates, this.#search.entry);
    if (added.length === 0) return;
    this.#journal.noteCandidates('map', candidates, now);
    this.#search.candidatesAdded(added, now, out);
  }

  /** The relay at which the peer can be reached, or that there is none (any more). Data goes there while no path is direct. */
  setRelay(path: RelayPath | undefined, now: Instant): void {
    const before = this.#paths.relay;
    if (!this.#paths.setRelay(path)) return;
    this.#journal.note({ kind: 'relay', isThere: path !== undefined }, now);
    if (this.#search.entry) return;
    if (path) this.#journal.selected(path, undefined, now);
    else if (before) this.#journal.lost(before.path, 'relay-gone', now);
  }

  /** What `ownCall` says has changed: a peer that we are looking for hears of it at once. */
  noteOwnCallChanged(now: Instant, out: PathOutput): void {
    this.#search.ownCallChanged(now, out);
  }

  /** Where others see us has changed: a peer that is looked for hears of it, and so does one whose path is in use, which is checked. */
  noteAddressChanged(now: Instant, out: PathOutput): void {
    this.#search.addressChanged(now, out);
  }

  /** What the peer's NAT is like, as far as its calls said. */
  get remoteNat(): NatTraits {
    return this.#calls.remoteNat;
  }

  /** An authenticated message of the peer, other than a probe, came by `path`. */
  learn(path: Path, now: Instant, out: PathOutput): void {
    if (path.kind === 'udp') this.#search.heard(path, now, out);
  }

  // ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Searches now. A running search gets its full time again; a path in use is checked, and better ones are looked for. */
  start(now: Instant, out: PathOutput): void {
    this.#search.start(now, out);
  }

  /** Probes the path that data takes now; the answer is told as 'pong'. Like data, it starts a search. False without a path. */
  ping(now: Instant, out: PathOutput): boolean {
    this.#search.keepActive(now, out);
    const entry = this.#search.entry ?? this.#paths.relay;
    if (entry) this.#sender.send(entry.path, { isPing: true }, now, out);
    return entry !== undefined;
  }

  /** Sends nothing more of its own accord, until `start` or a sign of life. Requests of the peer are still answered. */
  stop(now: Instant): void {
    this.#search.stop(now);
  }

  /** The extra sockets that 'sockets-wanted' asked for. Those that are not wanted any more are given back by an event. */
  useSockets(sockets: readonly number[], now: Instant): void {
    this.#hardNats.useSockets(sockets, now);
  }

  // ── Data ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Where data must go, too, because it is in doubt whether it arrives by the current path. */
  get duplicatePath(): Path | undefined {
    return this.#search.duplicatePath;
  }

  /** Data went out to the peer on the current path, in a datagram of so many bytes; 0 if that is not known. */
  trafficSent(now: Instant, bytes = 0): void {
    this.#search.dataSent(now, bytes);
  }

  /** Authenticated data of the peer came on `path`. On another path than ours it says nothing about ours. */
  trafficReceived(path: Path, now: Instant, bytes = 0): void {
    this.#search.dataReceived(path, now, bytes);
  }

  // ── What the peer sends ───────────────────────────────────────────────────────────────────────────────────────────

  /** A decoded STUN message whose `probeIdOf` is this agent's `incomingId`, with its bytes. What is refused is counted. */
  handleProbe(message: StunMessage, datagram: Uint8Array, from: Path, now: Instant, out: PathOutput): ProbeResult {
    return this.#counted(this.#handleProbe(message, datagram, from, now, out));
  }

  /** The same for a call that the control server has handed on: nothing else counts from there. */
  handleCall(message: StunMessage, datagram: Uint8Array, now: Instant, out: PathOutput): ProbeResult {
    const opened = this.#exchange.openCall(message, datagram);
    return this.#counted(opened.ok ? this.#handleCall(opened.value, now, out) : opened);
  }

  #counted(result: ProbeResult): ProbeResult {
    if (!result.ok) this.counters.dropped[result.reason] = (this.counters.dropped[result.reason] ?? 0) + 1;
    return result;
  }

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
        if (from.kind === 'udp') this.#search.heard(from, now, out);
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

  #handleAnswer(answer: OpenedAnswer, now: Instant): void {
    const { rtt, probe } = answer;
    const { path, isGuess, isPing } = probe;
    if (isPing) this.#journal.tell({ kind: 'pong', path, rtt });
    if (!isGuess) this.#journal.noteAnswer(path, rtt, now);
    if (path.kind === 'relay') {
      this.#paths.entry(path)?.confirm(rtt, now);
      return;
    }
    // A candidate that was withdrawn while its answer was on the way is none any more; a port that was guessed is one now.
    const entry =
      this.#paths.candidate(path) ?? (isGuess ? this.#paths.learn(path, this.#search.entry).entry : undefined);
    if (entry) this.#search.answered(entry, answer, now);
  }

  #handleCall(value: Uint8Array, now: Instant, out: PathOutput): ProbeResult {
    const received = this.#calls.receive(value, now);
    if (!received.ok) return received;
    const { candidates } = received.call;
    const added = this.#paths.replaceNamed('call', candidates, this.#search.entry);
    this.#journal.noteCandidates('call', candidates, now);
    this.#journal.note({ kind: 'nats', ...this.#calls.nats }, now);
    this.#search.called(added, now, out);
    return { ok: true };
  }

  // ── Time, and what is told ────────────────────────────────────────────────────────────────────────────────────────

  handleTimeout(now: Instant, out: PathOutput): void {
    this.#search.handleTimeout(now, out);
  }

  pollTimeout(): Wakeup | undefined {
    return this.#search.pollTimeout();
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
    const { kind: state, since } = this.#search.state;
    const current = this.#search.entry ?? this.#paths.relay;
    return {
      state,
      since,
      ...(current && { path: current.path }),
      ...(current?.confirmation && { rtt: current.confirmation.rtt }),
      candidates: this.#paths.candidates.map((entry) => candidateStatus(entry, now)),
    };
  }
}

const NO_DATA: PathReport = { packets: 0, largestBytes: 0 };
