// The node's relation to its control server after the keys are known: registration, heartbeats, the event stream, the poll
// that stands in for it, and coming back after an outage. An outage changes nothing else: the tunnel does not depend on it.
//
//   heartbeat loop   at the server's interval, at once when something changed; backs off while the server is away
//   stream loop      one event stream, reconnected with backoff
//   poll             what changed in the map, while the stream is down

import {
  type HeartbeatRequest,
  type HeartbeatResponse,
  type MapDelta,
  type MapUpdateMessage,
  type MapVersion,
  type NetworkMap,
  type ProblemCode,
  type RegisterRequest,
  type RegisterResponse,
  type Relay,
  type StreamEvent,
} from '@shadownet/contracts';
import type { RandomBytes } from '@shadownet/crypto';
import {
  assertNever,
  decodeBase64,
  type Duration,
  encodeBase64,
  encodePublicKey,
  type Instant,
  milliseconds,
  type PublicKey,
  type RateLimits,
  seconds,
  TokenBucket,
} from '@shadownet/primitives';
import { compareMapVersions } from '@shadownet/tunnel';
import { NodeError } from '../node-error.js';
import { Backoff } from './backoff.js';
import type { ControlClient } from './control-client.js';
import { type ControlFailure, type ControlResult, describeFailure } from './control-failure.js';
import type { NodeLog } from './node-log.js';
import { UntrustedLog } from './untrusted-log.js';

/** What happens to the network map. */
export type MapChange =
  { readonly kind: 'map'; readonly map: NetworkMap } | { readonly kind: 'delta'; readonly delta: MapDelta };

/** The rest of the node, as the session sees it. */
export interface ControlSessionHost {
  registration(): RegisterRequest;
  /** The report to send, and what to call once it was answered. */
  heartbeat(): { readonly request: HeartbeatRequest; answered(): void };
  /** Every registration that succeeds, the first one too. */
  onRegistered(response: RegisterResponse): void;
  /** The relays of the network, with tickets for this node: with each registration and heartbeat. */
  onRelays(relays: readonly Relay[]): void;
  /** False if the change cannot be applied to the map that the node has: the session fetches the whole one. */
  onMapChange(change: MapChange): boolean;
  /** A peer called by the server: the message is between the two nodes. */
  onCall(message: Uint8Array): void;
  /** Of the map that the node has. */
  mapVersion(): MapVersion | undefined;
}

export interface ControlSessionOptions {
  readonly client: ControlClient;
  readonly host: ControlSessionHost;
  readonly log: NodeLog;
  readonly random: RandomBytes;
  readonly now: () => Instant;
}

type Contact =
  | { readonly kind: 'never' }
  | { readonly kind: 'connected'; readonly at: Instant }
  | { readonly kind: 'lost'; readonly at: Instant | undefined };

type StreamState =
  | { readonly kind: 'down' }
  /** Open, but the node's map is not yet one that its events follow on. */
  | { readonly kind: 'open' }
  /** The node's map has everything that this stream told, up to this version. */
  | { readonly kind: 'followed'; readonly version: MapVersion; readonly networkCidr: string };

const FIRST_RETRY = milliseconds(500);
const LONGEST_RETRY = seconds(15);
const GOODBYE_TIMEOUT = seconds(1);
/** What the server may ask for: an interval of 0 must not spin, and a silent node is offline after 120 s. */
const HEARTBEAT_BOUNDS = { shortest: seconds(1), longest: seconds(60) };
/** Below what the server allows a node. */
const CALL_LIMITS: RateLimits = { burst: 32, perSecond: 4 };
const POLL_BOUNDS = { shortest: seconds(5), longest: seconds(600) };

export class ControlSession {
  readonly #options: ControlSessionOptions;
  readonly #untrusted: UntrustedLog;
  readonly #stopped = new AbortController();
  readonly #calls = new TokenBucket(CALL_LIMITS);
  readonly #beatBackoff: Backoff;
  readonly #streamBackoff: Backoff;
  /** Before `start` only `registerUntil` talks to the server. */
  #phase: 'registering' | 'running' | 'stopped' = 'registering';
  #contact: Contact = { kind: 'never' };
  #mustRegister = false;
  #heartbeatInterval: Duration = seconds(30);
  #pollInterval: Duration = seconds(60);
  #beating: 'no' | 'yes' | 'yes-and-again' = 'no';
  #beatTimer: NodeJS.Timeout | undefined;
  #pollTimer: NodeJS.Timeout | undefined;
  #fetchingMap = false;
  #stream: StreamState = { kind: 'down' };
  #wakeStream: (() => void) | undefined;

  constructor(options: ControlSessionOptions) {
    this.#options = options;
    this.#untrusted = new UntrustedLog(options.log, options.now);
    this.#beatBackoff = new Backoff(FIRST_RETRY, LONGEST_RETRY, options.random);
    this.#streamBackoff = new Backoff(FIRST_RETRY, LONGEST_RETRY, options.random);
  }

  /** Registers, again and again until `deadline`. Throws `control-unreachable` or `control-refused`. */
  async registerUntil(deadline: Instant): Promise<void> {
    const { client, host } = this.#options;
    await retryUntil(deadline, this.#options, async (late) => {
      const result = await client.register(host.registration(), AbortSignal.any([late, this.#stopped.signal]));
      this.#note('register', result);
      if (result.ok) this.#registered(result.value);
      return result;
    });
  }

  /** Starts heartbeats, event stream and poll; also without a registration, which is made once the server is there. */
  start(): void {
    this.#phase = 'running';
    void this.#streamLoop();
    if (this.#contact.kind === 'connected') this.#scheduleBeat(this.#heartbeatInterval);
    else this.#startAway();
    this.#schedulePoll();
  }

  /** Nobody has answered yet: the first contact is a registration. */
  #startAway(): void {
    this.#contact = { kind: 'lost', at: undefined };
    this.#mustRegister = true;
    this.#scheduleBeat(this.#beatBackoff.next());
  }

  /** Tells the server now what changed, instead of at the next heartbeat. */
  heartbeatNow(): void {
    if (this.#contact.kind === 'connected') void this.#beat();
  }

  /** Has a peer called, if the server is there. What comes of it is seen by the search; one that is lost is nothing to report. */
  call(peer: PublicKey, message: Uint8Array): void {
    const { client, now } = this.#options;
    if (this.#contact.kind !== 'connected' || !this.#calls.take(now())) return;
    // Ended by `close` if by nothing else: many at once would be too many listeners of one signal.
    void client.call({ public_key: encodePublicKey(peer), call: encodeBase64(message) });
  }

  /** Says goodbye (for a second at most) and ends everything. */
  async stop(id: string): Promise<void> {
    const { client } = this.#options;
    clearTimeout(this.#beatTimer);
    clearTimeout(this.#pollTimer);
    this.#phase = 'stopped';
    this.#stopped.abort();
    this.#wakeStream?.();
    if (this.#contact.kind === 'connected') await client.goodbye({ id }, AbortSignal.timeout(GOODBYE_TIMEOUT));
    await client.close();
  }

  get connected(): boolean {
    return this.#contact.kind === 'connected';
  }

  get lastContactAt(): Instant | undefined {
    return this.#contact.kind === 'never' ? undefined : this.#contact.at;
  }

  async #beat(): Promise<void> {
    if (this.#beating !== 'no') {
      this.#beating = 'yes-and-again';
      return;
    }
    this.#beating = 'yes';
    clearTimeout(this.#beatTimer);
    const answered = this.#mustRegister ? await this.#register() : await this.#sendHeartbeat();
    const again = this.#takeBeatingAgain();
    if (answered) this.#beatBackoff.reset();
    this.#scheduleBeat(answered ? (again ? milliseconds(0) : this.#heartbeatInterval) : this.#beatBackoff.next());
  }

  #takeBeatingAgain(): boolean {
    const again = this.#beating === 'yes-and-again';
    this.#beating = 'no';
    return again;
  }

  async #sendHeartbeat(): Promise<boolean> {
    const { client, host } = this.#options;
    const { request, answered } = host.heartbeat();
    const result = await client.heartbeat(request, this.#stopped.signal);
    this.#note('heartbeat', result);
    if (result.ok) {
      answered();
      this.#acceptHeartbeatAnswer(result.value);
      return true;
    }
    if (result.failure.kind === 'refused' && result.failure.code === 'unknown-peer') return this.#register();
    return false;
  }

  #acceptHeartbeatAnswer({ heartbeat_interval_ms, map_version, relays }: HeartbeatResponse): void {
    this.#heartbeatInterval = clamp(heartbeat_interval_ms, HEARTBEAT_BOUNDS);
    this.#options.host.onRelays(relays);
    // A stream that lives brings the same news.
    if (this.#stream.kind === 'down') this.#fetchIfNewer(map_version);
  }

  async #register(): Promise<boolean> {
    const { client, host } = this.#options;
    const result = await client.register(host.registration(), this.#stopped.signal);
    this.#note('register', result);
    if (result.ok) this.#registered(result.value);
    return result.ok;
  }

  #registered(response: RegisterResponse): void {
    this.#mustRegister = false;
    this.#heartbeatInterval = clamp(response.heartbeat_interval_ms, HEARTBEAT_BOUNDS);
    this.#pollInterval = clamp(response.poll_interval_ms, POLL_BOUNDS);
    this.#options.host.onRegistered(response);
    this.#options.host.onRelays(response.relays);
  }

  async #streamLoop(): Promise<void> {
    const { client } = this.#options;
    while (this.#phase === 'running') {
      const stream = { onEvent: (event: StreamEvent): void => this.#onEvent(event) };
      const failure = await client.readEvents(stream, this.#options.host.mapVersion(), this.#stopped.signal);
      this.#stream = { kind: 'down' };
      if (this.#phase !== 'running') return;
      this.#streamEnded(failure);
      await this.#pauseStream(this.#streamBackoff.next());
    }
  }

  /** Streams end without an outage, too: another one of the same key ends ours. Whether the server is there, a heartbeat tells. */
  #streamEnded(failure: ControlFailure): void {
    if (failure.kind === 'untrusted') this.#untrusted.note('event stream', failure.detail);
    else if (failure.kind !== 'unreachable') this.#failed('event stream', failure);
    this.heartbeatNow();
  }

  #onEvent(event: StreamEvent): void {
    if (this.#stream.kind === 'down') this.#stream = { kind: 'open' };
    this.#reached();
    switch (event.type) {
      case 'map':
      case 'delta':
        return this.#followStream(asMapChange(event.payload));
      case 'heartbeat-interval':
        this.#heartbeatInterval = clamp(event.payload.heartbeat_interval_ms, HEARTBEAT_BOUNDS);
        return void this.#beat();
      case 'call': {
        const message = decodeBase64(event.payload.call);
        return message && this.#options.host.onCall(message);
      }
      case 'keepalive':
        // It has lasted. One that is ended at once again, as where two hosts share a key, is opened ever more rarely.
        this.#streamBackoff.reset();
        return this.#upToDate(event.payload.map_version);
      default:
        assertNever(event);
    }
  }

  /** The stream has told all that matters up to `version`. */
  #upToDate(version: MapVersion): void {
    if (this.#stream.kind !== 'followed') return this.#fetchIfNewer(version);
    const { version: since, networkCidr: network_cidr } = this.#stream;
    this.#followStream({
      kind: 'delta',
      delta: { since, map_version: version, network_cidr, removed: [], changed: [] },
    });
  }

  #followStream(change: MapChange): void {
    if (this.#options.host.onMapChange(change)) {
      const { map_version: version, network_cidr: networkCidr } = change.kind === 'map' ? change.map : change.delta;
      this.#stream = { kind: 'followed', version, networkCidr };
      return;
    }
    this.#stream = { kind: 'open' };
    void this.#fetchMap();
  }

  #fetchIfNewer(version: MapVersion): void {
    const own = this.#options.host.mapVersion();
    if (!own || compareMapVersions(own, version) < 0) void this.#fetchMap();
  }

  async #fetchMap(): Promise<void> {
    if (this.#fetchingMap) return;
    this.#fetchingMap = true;
    const { client, host } = this.#options;
    const result = await client.fetchPeers(host.mapVersion(), this.#stopped.signal);
    this.#fetchingMap = false;
    this.#note('peers', result);
    if (result.ok) host.onMapChange(asMapChange(result.value));
  }

  #note(request: string, result: ControlResult<unknown>): void {
    if (result.ok) this.#reached();
    else this.#failed(request, result.failure);
  }

  #reached(): void {
    const before = this.#contact;
    this.#contact = { kind: 'connected', at: this.#options.now() };
    if (before.kind !== 'lost') return;
    this.#options.log.event('control-back', {});
    if (this.#phase !== 'running') return;
    // The server may have restarted, or counted us out: registering again costs nothing and puts all in order.
    this.#mustRegister = true;
    void this.#beat();
    this.#wakeStream?.();
  }

  #failed(request: string, failure: ControlFailure): void {
    if (this.#phase === 'stopped') return;
    switch (failure.kind) {
      case 'unreachable':
        return this.#lost(failure);
      case 'untrusted':
        this.#untrusted.note(request, failure.detail);
        return this.#lost(failure);
      case 'refused':
      case 'malformed': {
        const code = failure.kind === 'refused' ? failure.code : failure.kind;
        return this.#options.log.event('control-refused', { request, code, error: describeFailure(failure) });
      }
      default:
        assertNever(failure);
    }
  }

  #lost(failure: ControlFailure): void {
    if (this.#contact.kind === 'lost') return;
    const at = this.#contact.kind === 'connected' ? this.#contact.at : undefined;
    this.#contact = { kind: 'lost', at };
    this.#options.log.event('control-unreachable', { error: describeFailure(failure) });
    this.#scheduleBeat(this.#beatBackoff.next());
  }

  #scheduleBeat(delay: Duration): void {
    clearTimeout(this.#beatTimer);
    if (this.#phase === 'running') this.#beatTimer = setTimeout(() => void this.#beat(), delay);
  }

  #schedulePoll(): void {
    if (this.#phase !== 'running') return;
    this.#pollTimer = setTimeout(() => {
      if (this.#stream.kind === 'down') void this.#fetchMap();
      this.#schedulePoll();
    }, this.#pollInterval);
  }

  #pauseStream(delay: Duration): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delay);
      this.#wakeStream = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function asMapChange(message: MapUpdateMessage): MapChange {
  return 'since' in message ? { kind: 'delta', delta: message } : { kind: 'map', map: message };
}

/** Calls again with backoff until it works or the deadline has passed, which ends a call under way by its signal, too. */
export async function retryUntil<T>(
  deadline: Instant,
  { now, random }: { now: () => Instant; random: RandomBytes },
  attempt: (late: AbortSignal) => Promise<ControlResult<T>>,
): Promise<T> {
  const backoff = new Backoff(milliseconds(250), seconds(3), random);
  const left = (): number => Math.max(0, Math.ceil(deadline - now()));
  for (;;) {
    const result = await attempt(AbortSignal.timeout(left()));
    if (result.ok) return result.value;
    if (isFinal(result.failure) || left() === 0) throw startError(result.failure);
    const delay = Math.min(backoff.next(), left());
    await new Promise((resolve) => setTimeout(resolve, delay));
    if (left() === 0) throw startError(result.failure);
  }
}

/** What may be otherwise a moment later. */
const PASSING: readonly ProblemCode[] = ['rate-limited', 'approval-pending'];

/** A refusal that the same request will get again. */
function isFinal(failure: ControlFailure): boolean {
  return failure.kind === 'refused' && !PASSING.includes(failure.code) && failure.status < 500;
}

function startError(failure: ControlFailure): NodeError {
  const text = describeFailure(failure);
  if (failure.kind === 'refused' && failure.code === 'join-key-required') {
    const how = 'have an admin run shadownet-control join-key create, and give the key by --join-key-file';
    return new NodeError('control-refused', `this host is no node of the network yet: ${how}`);
  }
  if (failure.kind === 'unreachable') return new NodeError('control-unreachable', `no control server: ${text}`);
  return new NodeError('control-refused', `the control server did not take this node: ${text}`);
}

function clamp(ms: number, { shortest, longest }: { shortest: Duration; longest: Duration }): Duration {
  return milliseconds(Math.min(Math.max(ms, shortest), longest));
}
