// One relay as a client deals with it: how far away it is, the connection by UDP or, where none passes, by WebSocket, and the
// channels of its peers. Used by RelayClient, which decides when it is needed.

import type { CryptoProvider, RandomBytes, SipHasher } from '@shadownet/crypto';
import {
  addDuration,
  bytesEqual,
  type Duration,
  durationBetween,
  earliestWakeup,
  type Endpoint,
  endpointsEqual,
  type Instant,
  type PublicKey,
  publicKeyFromBytes,
  type Wakeup,
} from '@shadownet/primitives';
import {
  FIRST_RETRY,
  MAX_RETRY,
  NONCE_BYTES,
  RELAY_PROBE_INTERVAL,
  STREAM_AFTER,
  UDP_RETRY_INTERVAL,
} from '../constants.js';
import { channelOf, frameAround, FrameType, payloadOf } from '../frame.js';
import { decodeChallenge, encodeHello } from '../handshake-frames.js';
import type { StaticKeys } from '../session-keys.js';
import type { RelaySessionRef, RelaySessionTable } from '../session-table.js';
import { HeldFrames } from './held-frames.js';
import { PeerChannels } from './peer-channels.js';
import type {
  RelayClientOutput,
  RelayDescription,
  RelayDownReason,
  RelayEvent,
  RelayRoute,
  RelayTransport,
} from './relay-client-types.js';
import { RelayConnection } from './relay-connection.js';
import { RoundTrip } from './round-trip.js';

export interface RelayEntryOptions {
  readonly crypto: CryptoProvider;
  readonly random: RandomBytes;
  readonly hasher: SipHasher;
  readonly keys: StaticKeys;
  readonly emit: (event: RelayEvent) => void;
  /** By which transport a relay, any, was reached last: what a network lets through it lets through to all of them. */
  readonly lastTransport: () => RelayTransport | undefined;
  /** A session has begun or ended, or a channel was learnt or lost. */
  readonly onRoutesChanged: () => void;
  readonly sessions?: RelaySessionTable | undefined;
}

type State =
  | { readonly kind: 'idle' }
  /** Several links are tried at once; the first that is accepted wins, and UDP replaces the WebSocket. */
  | { readonly kind: 'connecting'; attempts: RelayConnection[] }
  /** `attempts` by UDP while the WebSocket carries, and by WebSocket while UDP is in doubt. */
  | { readonly kind: 'up'; readonly active: RelayConnection; attempts: RelayConnection[]; udpAgainAt: Instant }
  | { readonly kind: 'waiting'; readonly until: Instant };

/** The one WebSocket to the relay. `failed`: not again before the relay has been reached, or everything is tried anew. */
type Stream =
  | { readonly kind: 'none' }
  | { readonly kind: 'planned'; readonly at: Instant }
  | { readonly kind: 'open' }
  | { readonly kind: 'failed' };

const NO_STREAM: Stream = { kind: 'none' };

/** A hello whose answer only tells the round trip. */
interface Sample {
  readonly nonce: Uint8Array;
  readonly sentAt: Instant;
}

export class RelayEntry {
  description: RelayDescription;
  readonly #options: RelayEntryOptions;
  readonly #roundTrip = new RoundTrip();
  readonly #channels = new PeerChannels();
  readonly #unsent = new HeldFrames<PublicKey>();
  readonly #unknown = new HeldFrames<number>();
  #state: State = { kind: 'idle' };
  #stream: Stream = NO_STREAM;
  #sample: Sample | undefined;
  #sampleAt: Instant;
  #retry: Duration = FIRST_RETRY;
  #failure: RelayDownReason | undefined;
  usedAt: Instant;
  /** Rises with whatever may make another relay the better home: most frames are none of it. */
  changes = 0;

  constructor(description: RelayDescription, options: RelayEntryOptions, now: Instant) {
    this.description = description;
    this.#options = options;
    this.#sampleAt = now;
    this.usedAt = now;
  }

  get state(): State['kind'] {
    return this.#state.kind;
  }

  get transport(): RelayTransport | undefined {
    return this.#state.kind === 'up' ? this.#state.active.link.kind : undefined;
  }

  get rtt(): Duration | undefined {
    return this.#roundTrip.value;
  }

  get lastFailure(): RelayDownReason | undefined {
    return this.#failure;
  }

  /** Whether anybody can be reached there, or it is not known yet. */
  get health(): 'up' | 'untried' | 'failed' {
    if (this.#state.kind === 'up') return this.#state.active.isLosing ? 'failed' : 'up';
    return this.#failure === undefined || this.#failure === 'not-needed' ? 'untried' : 'failed';
  }

  // ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Does nothing if it is connected, connecting, or waits before it tries again. */
  connect(now: Instant, out: RelayClientOutput): void {
    if (this.#state.kind !== 'idle') return;
    const attempts = this.#udpAttempts();
    this.#state = { kind: 'connecting', attempts };
    const isLate = attempts.length > 0 && this.#options.lastTransport() !== 'stream';
    this.#stream = NO_STREAM;
    this.#planStream(isLate ? addDuration(now, STREAM_AFTER) : now);
    for (const attempt of attempts) attempt.start(now, this.#writer(attempt, out));
    if (attempts.length === 0 && this.#stream.kind === 'none') this.#fail('no-answer', now, out);
    else this.handleTimeout(now, out);
  }

  /** The network has changed: whatever waits is tried at once, and a session proves its address anew. */
  refresh(now: Instant, out: RelayClientOutput): void {
    this.#retry = FIRST_RETRY;
    this.#sampleAt = now;
    switch (this.#state.kind) {
      case 'waiting':
        this.#state = { kind: 'idle' };
        return this.connect(now, out);
      case 'up': {
        const { active } = this.#state;
        active.start(now, this.#writer(active, out));
        if (active.link.kind === 'stream') this.#state.udpAgainAt = now;
        else this.#planStream(addDuration(now, STREAM_AFTER));
        return;
      }
      default:
        return;
    }
  }

  disconnect(reason: RelayDownReason, out: RelayClientOutput): void {
    if (this.#state.kind === 'up') {
      this.#state.active.leave(this.#writer(this.#state.active, out));
      this.#options.emit({ kind: 'relay-down', relay: this.description.id, reason });
    }
    this.#closeStream(out);
    this.#failure = reason;
    this.#state = { kind: 'idle' };
    this.#unsent.clear();
    this.#unknown.clear();
    this.#options.onRoutesChanged();
  }

  /** True if it left, or waits for the peer's channel. */
  send(peer: PublicKey, payload: Uint8Array, type: number, now: Instant, out: RelayClientOutput): boolean {
    this.usedAt = now;
    if (this.#state.kind !== 'up') {
      this.connect(now, out);
      return false;
    }
    const entry = this.#channels.of(peer);
    if (entry.state === 'present') {
      this.#send(frameAround(payload), type, entry.channel!, now, out);
      return true;
    }
    if (this.#channels.mayAsk(entry, now)) this.#send(frameAround(peer), FrameType.resolve, 0, now, out);
    if (entry.state === 'absent') return false;
    if (type === FrameType.data) this.#unsent.hold(entry.peer, payload, now);
    return type === FrameType.data;
  }

  // ── Packet workers ────────────────────────────────────────────────────────────────────────────────────────────────

  /** How packet workers reach a peer, if they know the session and the peer is there. */
  routeTo(peer: PublicKey): RelayRoute | undefined {
    if (this.#state.kind !== 'up') return undefined;
    const { link, sessionRef: session } = this.#state.active;
    const channel = this.#channels.channelOf(peer);
    if (link.kind !== 'udp' || !session || channel === undefined) return undefined;
    return { remote: link.endpoint, session, channel };
  }

  /** Whose channel that is, if the session is ours. */
  peerAt({ slot, generation }: RelaySessionRef, channel: number): PublicKey | undefined {
    const ours = this.#state.kind === 'up' ? this.#state.active.sessionRef : undefined;
    if (ours?.slot !== slot || ours.generation !== generation) return undefined;
    return this.#channels.at(channel)?.peer;
  }

  /** Takes note of what packet workers sent and received; true if that was anything. */
  noteWorkerTraffic(): boolean {
    const at = this.#state.kind === 'up' ? this.#state.active.noteWorkerTraffic() : undefined;
    if (at === undefined) return false;
    if (at > this.usedAt) this.usedAt = at;
    return true;
  }

  // ── What comes in ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** A frame from one of its endpoints. */
  handleDatagram(frame: Uint8Array, from: Endpoint, now: Instant, out: RelayClientOutput): void {
    if (frame[0] === FrameType.challenge && this.#takeSample(frame, now)) return;
    const connection = this.#connections().find(
      ({ link }) => link.kind === 'udp' && endpointsEqual(link.endpoint, from),
    );
    if (connection) this.#handle(connection, frame, now, out);
  }

  handleStreamOpen(now: Instant, out: RelayClientOutput): void {
    const state = this.#state;
    if (this.#stream.kind !== 'open' || (state.kind !== 'connecting' && state.kind !== 'up')) return;
    const connection = this.#connection({ kind: 'stream' });
    state.attempts.push(connection);
    connection.start(now, this.#writer(connection, out));
  }

  handleStreamFrame(frame: Uint8Array, now: Instant, out: RelayClientOutput): void {
    const connection = this.#connections().find(({ link }) => link.kind === 'stream');
    if (connection) this.#handle(connection, frame, now, out);
  }

  handleStreamClosed(now: Instant, out: RelayClientOutput): void {
    this.#stream = { kind: 'failed' };
    const connection = this.#connections().find(({ link }) => link.kind === 'stream');
    if (connection) this.#lost(connection, 'stream-failed', now, out);
    else if (this.#state.kind === 'connecting' && this.#state.attempts.length === 0) {
      this.#fail('stream-failed', now, out);
    }
  }

  // ── Time ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  pollTimeout(): Wakeup | undefined {
    const wakeups: (Wakeup | undefined)[] = [{ at: this.#sampleAt, reason: 'relay round trip' }];
    for (const connection of this.#connections()) {
      const at = connection.nextDeadline();
      if (at !== undefined) wakeups.push({ at, reason: 'relay connection' });
    }
    const state = this.#state;
    if (state.kind === 'waiting') wakeups.push({ at: state.until, reason: 'relay retry' });
    if (this.#stream.kind === 'planned') wakeups.push({ at: this.#stream.at, reason: 'relay by WebSocket' });
    if (state.kind === 'up' && state.active.link.kind === 'stream' && this.description.udp.length > 0) {
      wakeups.push({ at: state.udpAgainAt, reason: 'relay by UDP again' });
    }
    return earliestWakeup(...wakeups);
  }

  handleTimeout(now: Instant, out: RelayClientOutput): void {
    if (now >= this.#sampleAt) this.#sampleRoundTrip(now, out);
    for (const connection of this.#connections()) {
      const event = connection.handleTimeout(now, this.#writer(connection, out));
      if (event.kind === 'down') this.#lost(connection, event.reason, now, out);
    }
    const state = this.#state;
    if (state.kind === 'waiting' && now >= state.until) this.#state = { kind: 'idle' };
    if (state.kind === 'up' && state.active.isSilent) this.#planStream(now);
    if (this.#stream.kind === 'planned' && now >= this.#stream.at) {
      this.#stream = { kind: 'open' };
      out.openStream(this.description.id, this.description.websocketUrl!);
    }
    if (state.kind === 'up' && state.active.link.kind === 'stream' && now >= state.udpAgainAt) {
      state.udpAgainAt = addDuration(now, UDP_RETRY_INTERVAL);
      if (state.attempts.length === 0) {
        state.attempts = this.#udpAttempts();
        for (const attempt of state.attempts) attempt.start(now, this.#writer(attempt, out));
      }
    }
  }

  // ── Connections ───────────────────────────────────────────────────────────────────────────────────────────────────

  #handle(connection: RelayConnection, frame: Uint8Array, now: Instant, out: RelayClientOutput): void {
    const event = connection.handle(frame, now, this.#writer(connection, out));
    if (event.kind !== 'none' && event.kind !== 'frame') this.changes++;
    switch (event.kind) {
      case 'none':
        return;
      case 'rtt':
        return this.#roundTrip.sample(event.rtt);
      case 'up':
        return this.#up(connection, now, out);
      case 'down':
        return this.#lost(connection, event.reason, now, out);
      case 'frame':
        return this.#handleFrame(frame, event.type, now, out);
    }
  }

  #up(connection: RelayConnection, now: Instant, out: RelayClientOutput): void {
    const state = this.#state;
    const isUdp = connection.link.kind === 'udp';
    // UDP is preferred: where it answers later than the WebSocket it takes over.
    const goOn = (other: RelayConnection): boolean => !isUdp && other.link.kind === 'udp' && !other.isUp;
    const attempts = this.#connections().filter((other) => other !== connection && goOn(other));
    for (const other of this.#connections()) if (other !== connection && !attempts.includes(other)) other.end();
    if (isUdp) this.#closeStream(out);
    if (state.kind === 'up' && state.active === connection) {
      // It has renewed itself.
      state.attempts = attempts;
      this.#options.emit({ kind: 'relay-renewed', relay: this.description.id });
    } else {
      // A UDP connection that was in doubt has ended here, and is tried anew at once.
      const udpAgainAt = addDuration(now, state.kind === 'up' ? (0 as Duration) : UDP_RETRY_INTERVAL);
      this.#state = { kind: 'up', active: connection, attempts, udpAgainAt };
      this.#retry = FIRST_RETRY;
      this.#failure = undefined;
      this.#options.emit({ kind: 'relay-up', relay: this.description.id, transport: connection.link.kind });
    }
    if (this.#channels.begin(connection.instance!)) this.#unknown.clear();
    this.#options.onRoutesChanged();
  }

  #lost(connection: RelayConnection, reason: RelayDownReason, now: Instant, out: RelayClientOutput): void {
    const state = this.#state;
    connection.end();
    if (connection.link.kind === 'stream' && this.#stream.kind === 'open') {
      out.closeStream(this.description.id);
      this.#stream = { kind: 'failed' };
    }
    if (state.kind !== 'connecting' && state.kind !== 'up') return;
    const attempts = state.attempts.filter((attempt) => attempt !== connection);
    const isRefused = reason !== 'no-answer' && reason !== 'stream-failed';
    const isOver = attempts.length === 0 && (this.#stream.kind === 'none' || this.#stream.kind === 'failed');
    if (state.kind === 'up' && state.active !== connection) {
      state.attempts = attempts;
      return;
    }
    if (state.kind === 'up') this.#options.emit({ kind: 'relay-down', relay: this.description.id, reason });
    if (isRefused || isOver) this.#fail(reason, now, out);
    else this.#state = { kind: 'connecting', attempts };
  }

  #fail(reason: RelayDownReason, now: Instant, out: RelayClientOutput): void {
    for (const connection of this.#connections()) connection.end();
    this.#closeStream(out);
    this.#failure = reason;
    this.#state = { kind: 'waiting', until: addDuration(now, this.#retry) };
    this.#retry = Math.min(MAX_RETRY, 2 * this.#retry) as Duration;
    this.#options.onRoutesChanged();
  }

  /** Unless the relay has none, or it is there, or was tried. */
  #planStream(at: Instant): void {
    if (this.description.websocketUrl === undefined || this.#stream.kind !== 'none') return;
    this.#stream = { kind: 'planned', at };
  }

  #closeStream(out: RelayClientOutput): void {
    if (this.#stream.kind === 'open') out.closeStream(this.description.id);
    this.#stream = NO_STREAM;
  }

  #connections(): readonly RelayConnection[] {
    switch (this.#state.kind) {
      case 'connecting':
        return this.#state.attempts;
      case 'up':
        return [this.#state.active, ...this.#state.attempts];
      default:
        return [];
    }
  }

  #udpAttempts(): RelayConnection[] {
    return this.description.udp.map((endpoint) => this.#connection({ kind: 'udp', endpoint }));
  }

  #connection(link: RelayConnection['link']): RelayConnection {
    return new RelayConnection(link, { ...this.#options, ticket: () => this.description.ticket });
  }

  #writer({ link }: RelayConnection, out: RelayClientOutput): (frame: Uint8Array) => void {
    if (link.kind === 'udp') return (frame) => out.datagram(frame, link.endpoint);
    return (frame) => out.writeStream(this.description.id, frame);
  }

  #send(frame: Uint8Array, type: number, channel: number, now: Instant, out: RelayClientOutput): void {
    if (this.#state.kind !== 'up') return;
    const { active } = this.#state;
    active.send(frame, type, channel, now, this.#writer(active, out));
  }

  // ── The round trip ────────────────────────────────────────────────────────────────────────────────────────────────

  #sampleRoundTrip(now: Instant, out: RelayClientOutput): void {
    this.#sampleAt = addDuration(now, RELAY_PROBE_INTERVAL);
    const [endpoint] = this.description.udp;
    // A connection has its own samples.
    if (!endpoint || this.#state.kind !== 'idle') return;
    this.#sample = { nonce: this.#options.random(NONCE_BYTES), sentAt: now };
    out.datagram(encodeHello(this.#sample.nonce), endpoint);
  }

  #takeSample(frame: Uint8Array, now: Instant): boolean {
    const challenge = this.#sample && decodeChallenge(frame);
    if (!challenge || !bytesEqual(challenge.nonce, this.#sample!.nonce)) return false;
    this.#roundTrip.sample(durationBetween(this.#sample!.sentAt, now));
    this.#sample = undefined;
    this.changes++;
    // It is there again; one that has refused us answers hellos all the time.
    if (this.#failure === 'no-answer' || this.#failure === 'closed' || this.#failure === 'stream-failed') {
      this.#failure = undefined;
    }
    return true;
  }

  // ── Frames of the session ─────────────────────────────────────────────────────────────────────────────────────────

  #handleFrame(frame: Uint8Array, type: number, now: Instant, out: RelayClientOutput): void {
    switch (type) {
      case FrameType.data:
      case FrameType.signal:
        return this.#handlePayload(frame, now, out);
      case FrameType.resolved:
        return this.#handleResolved(frame, now, out);
      case FrameType.gone:
        return this.#handleGone(channelOf(frame, 0));
      default:
        return;
    }
  }

  #handlePayload(frame: Uint8Array, now: Instant, out: RelayClientOutput): void {
    const channel = channelOf(frame, 0);
    const from = this.#channels.at(channel);
    if (!from) {
      const mustAsk = this.#unknown.hold(channel, frame, now);
      if (mustAsk) this.#send(frameAround(new Uint8Array(0)), FrameType.resolve, channel, now, out);
      return;
    }
    this.usedAt = now;
    const { id } = this.description;
    if (frame[0] === FrameType.data) out.relayed(payloadOf(frame), from.peer, id);
    else out.signal(payloadOf(frame), from.peer, id);
  }

  #handleResolved(frame: Uint8Array, now: Instant, out: RelayClientOutput): void {
    const peer = publicKeyFromBytes(payloadOf(frame));
    if (!peer) return;
    const channel = channelOf(frame, 0) || undefined;
    const isNew = this.#channels.learn(peer, channel);
    this.#options.onRoutesChanged();
    const entry = this.#channels.of(peer);
    const waiting = this.#unsent.take(entry.peer, now);
    if (channel !== undefined) {
      for (const payload of waiting) this.#send(frameAround(payload), FrameType.data, channel, now, out);
      for (const held of this.#unknown.take(channel, now)) this.#handlePayload(held, now, out);
    }
    if (!isNew) return;
    const where = { relay: this.description.id, peer };
    if (channel !== undefined) this.#options.emit({ kind: 'peer-present', ...where });
    else this.#options.emit({ kind: 'peer-absent', ...where, unsent: waiting });
  }

  #handleGone(channel: number): void {
    const entry = this.#channels.at(channel);
    if (!entry) return;
    this.#channels.learn(entry.peer, undefined);
    this.#options.onRoutesChanged();
    this.#options.emit({ kind: 'peer-absent', relay: this.description.id, peer: entry.peer, unsent: [] });
  }
}
