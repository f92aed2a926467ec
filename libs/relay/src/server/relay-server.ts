// The relay's core (docs/relay.md). A frame in:
//
//   1. of connecting: hello → a challenge, without state; connect → cookie, identity, proof, admission, then a pending session
//   2. of a session: found by the link it came on, authenticated, its counter accepted once
//   3. data and signals: limits, shape, receiver; then the header is written anew in place and the frame goes on
//
// What is wrong with a frame is counted and never answered.

import type { CryptoProvider, PrivateKey, RandomBytes, SipHasher } from '@shadownet/crypto';
import {
  addDuration,
  bytesEqual,
  classifyDatagram,
  encodePublicKey,
  type Instant,
  type PublicKey,
  publicKeyFromBytes,
  SourceRateLimiter,
  type Wakeup,
} from '@shadownet/primitives';
import { ChallengeCookies } from '../challenge-cookies.js';
import {
  FRAME_HEADER_BYTES,
  KEEPALIVE_INTERVAL,
  KEY_BYTES,
  MAX_PENDING_SESSIONS,
  MAX_SIGNAL_BYTES,
  PING_BYTES,
  SALT_BYTES,
  SESSION_LIFETIME,
} from '../constants.js';
import { channelOf, CloseReason, frameAround, FrameType, isRelayFrameAt, isSessionType } from '../frame.js';
import {
  decodeConnect,
  decodeHello,
  encodeAccept,
  encodeChallenge,
  encodeRefuse,
  openIdentity,
  type Refusal,
  verifyConnectProof,
} from '../handshake-frames.js';
import { deriveFrameKeys, deriveStaticKeys, type StaticKeys, zeroStaticKeys } from '../session-keys.js';
import type { Admission } from './admission.js';
import { type DropReason, newRelayCounters, type RelayCounters } from './relay-counters.js';
import type { RelayLink, RelayServerOutput } from './relay-link.js';
import { type ClientLimits, ServerSession } from './server-session.js';
import { SessionRegistry } from './session-registry.js';

export interface RelayServerOptions {
  readonly crypto: CryptoProvider;
  readonly random: RandomBytes;
  readonly hasher: SipHasher;
  readonly privateKey: PrivateKey;
  readonly admission: Admission;
  readonly limits?: Partial<RelayLimits>;
}

export interface RelayLimits {
  readonly maxSessions: number;
  readonly perClient: ClientLimits;
  /** Hellos answered and connects looked at, per IPv4 address or IPv6 /64; twice as many may come at once. */
  readonly hellosPerSource: number;
  readonly connectsPerSource: number;
}

export const DEFAULT_RELAY_LIMITS: RelayLimits = {
  maxSessions: 16_384,
  perClient: {
    frames: { perSecond: 400_000, burst: 40_000 },
    bytes: { perSecond: 500e6, burst: 50e6 },
    signals: { perSecond: 10, burst: 40 },
  },
  // 1,000 nodes behind one address are back in 10 s after a restart; a connect takes 0.2 ms.
  hellosPerSource: 200,
  connectsPerSource: 100,
};

const MAX_SOURCES = 16_384;
/** Where a STUN message whose first attribute is a USERNAME of 16 bytes has it: the id of a probe (libs/paths). */
const PROBE_ID_AT = 20;
const PROBE_ID_ATTRIBUTE = [0x00, 0x06, 0x00, 0x10] as const;
const MAX_PROBE_BYTES = 1500;

export class RelayServer {
  readonly publicKey: PublicKey;
  readonly counters: RelayCounters = newRelayCounters();
  readonly #options: RelayServerOptions;
  readonly #limits: RelayLimits;
  readonly #cookies: ChallengeCookies;
  readonly #instance: number;
  readonly #sessions = new SessionRegistry();
  readonly #hellos: SourceRateLimiter;
  readonly #connects: SourceRateLimiter;
  /** Of the memory that frames were last read from. */
  #view: DataView = new DataView(new ArrayBuffer(0));

  constructor(options: RelayServerOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_RELAY_LIMITS, ...options.limits };
    this.publicKey = publicKeyFromBytes(options.privateKey.publicKey)!;
    this.#cookies = new ChallengeCookies(options.crypto, options.random);
    this.#instance = new DataView(Uint8Array.from(options.random(4)).buffer).getUint32(0);
    this.#hellos = sourceLimiter(this.#limits.hellosPerSource);
    this.#connects = sourceLimiter(this.#limits.connectsPerSource);
  }

  /** Clients that are connected. */
  get clients(): number {
    return this.#sessions.size;
  }

  /** Takes the frame of `length` bytes at `at`, and may write to it. */
  handle(bytes: Uint8Array, at: number, length: number, link: RelayLink, now: Instant, out: RelayServerOutput): void {
    if (!isRelayFrameAt(bytes, at, length)) return this.#drop('malformed');
    const type = bytes[at]!;
    if (isSessionType(type)) return this.#handleSessionFrame(bytes, at, length, link, now, out);
    const frame = bytes.subarray(at, at + length);
    if (type === FrameType.hello) this.#handleHello(frame, link, now, out);
    else if (type === FrameType.connect) this.#handleConnect(frame, link, now, out);
    else this.#drop('unexpected-type');
  }

  /** Whether somebody has proved a key there. */
  hasSession(link: RelayLink): boolean {
    return this.#sessions.confirmedAt(link.id) !== undefined;
  }

  /** The shell has lost a stream. */
  handleClosed(link: RelayLink): void {
    const sessions = [this.#sessions.confirmedAt(link.id), this.#sessions.pendingAt(link.id)];
    for (const session of sessions) if (session) this.#remove(session);
  }

  /** A client that is not admitted any more: its sessions end at once. */
  revoke(network: string, client: PublicKey, out: RelayServerOutput): void {
    const identity = identityOf(network, client);
    const confirmed = this.#sessions.of(identity);
    if (confirmed) this.#end(confirmed, CloseReason.revoked, out);
    for (const session of this.#sessions.pending()) if (session.identity === identity) this.#remove(session);
  }

  handleTimeout(now: Instant, out: RelayServerOutput): void {
    for (let first = this.#sessions.first(); first && first.at <= now; first = this.#sessions.first()) {
      if (first.owner.isPending) this.#remove(first.owner);
      else this.#end(first.owner, CloseReason.expired, out);
    }
  }

  pollTimeout(): Wakeup | undefined {
    const first = this.#sessions.first();
    return first && { at: first.at, reason: 'relay session ends' };
  }

  /** Tells all clients that it goes, so that they turn to another relay at once. */
  close(out: RelayServerOutput): void {
    for (const session of [...this.#sessions.confirmed()]) this.#end(session, CloseReason['shutting-down'], out);
    for (const session of [...this.#sessions.pending()]) this.#remove(session);
  }

  // ── Connecting ────────────────────────────────────────────────────────────────────────────────────────────────────

  #handleHello(frame: Uint8Array, link: RelayLink, now: Instant, out: RelayServerOutput): void {
    const nonce = decodeHello(frame);
    if (!nonce) return this.#drop('malformed');
    if (!this.#hellos.admit(link.endpoint.address, now)) return this.#drop('hello-rate');
    this.counters.challenges++;
    answer(encodeChallenge(nonce, this.#cookies.issue(link.id, nonce, now)), link, out);
  }

  #handleConnect(frame: Uint8Array, link: RelayLink, now: Instant, out: RelayServerOutput): void {
    const challenge = decodeConnect(frame);
    if (!challenge) return this.#drop('malformed');
    const issuedAt = this.#cookies.verify(challenge.cookie, link.id, challenge.nonce, now);
    if (issuedAt === undefined) return this.#drop('bad-cookie');
    const pending = this.#sessions.pendingAt(link.id);
    // The accept was lost: it is said again, without another key agreement.
    if (pending && bytesEqual(pending.nonce, challenge.nonce)) return answer(pending.answer, link, out);
    if (!this.#connects.admit(link.endpoint.address, now)) return this.#drop('connect-rate');

    const { crypto, privateKey } = this.#options;
    const identity = openIdentity(crypto, privateKey, this.publicKey, frame);
    const shared = identity && privateKey.sharedSecret(identity.client);
    if (!shared) return this.#drop('bad-identity');
    const keys = deriveStaticKeys(crypto, shared, identity.client, this.publicKey);
    if (!verifyConnectProof(crypto, keys, frame)) this.#drop('bad-proof');
    else this.#admit(keys, identity.ticket, challenge.nonce, issuedAt, link, now, out);
    zeroStaticKeys(keys);
  }

  #admit(
    keys: StaticKeys,
    ticket: Uint8Array,
    nonce: Uint8Array,
    issuedAt: bigint,
    link: RelayLink,
    now: Instant,
    out: RelayServerOutput,
  ): void {
    const { admission, crypto } = this.#options;
    const refuse = (why: Refusal): void => {
      this.#drop('refused');
      answer(encodeRefuse(crypto, keys, nonce, why), link, out);
    };
    const admitted = admission.admit(keys.client, ticket, now);
    if (!admitted.ok) return refuse(admitted.reason);
    const identity = identityOf(admitted.network, keys.client);
    const current = this.#sessions.of(identity);
    if (current && current.issuedAt >= issuedAt) return this.#drop('stale-connect');
    const isFull = !current && this.#sessions.size >= this.#limits.maxSessions;
    const channel =
      isFull || this.#sessions.pendingSize >= MAX_PENDING_SESSIONS ? undefined : this.#sessions.channels.take(identity);
    if (channel === undefined) return refuse('relay-full');

    const longest = addDuration(now, SESSION_LIFETIME);
    const until = admitted.until !== undefined && admitted.until < longest ? admitted.until : longest;
    const salt = this.#options.random(SALT_BYTES);
    const session = new ServerSession(
      {
        ...{ link, identity, channel, issuedAt, until, hasher: this.#options.hasher },
        client: keys.client,
        network: admitted.network,
        nonce: nonce.slice(),
        keys: deriveFrameKeys(crypto, keys, nonce, salt),
        limits: this.#limits.perClient,
        answer: encodeAccept(crypto, keys, {
          ...{ nonce, salt, channel, instance: this.#instance },
          keepaliveSeconds: KEEPALIVE_INTERVAL / 1000,
          lifetimeSeconds: Math.floor((until - now) / 1000),
        }),
      },
      now,
    );
    this.#sessions.addPending(session);
    this.counters.accepted++;
    answer(session.answer, link, out);
  }

  // ── Sessions ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #handleSessionFrame(
    bytes: Uint8Array,
    at: number,
    length: number,
    link: RelayLink,
    now: Instant,
    out: RelayServerOutput,
  ): void {
    const session = this.#authenticate(bytes, at, length, link, out);
    if (!session) return;
    session.heard(now);
    switch (bytes[at]) {
      case FrameType.data:
        return this.#forwardData(session, bytes, at, length, now, out);
      case FrameType.signal:
        return this.#forwardSignal(session, bytes, at, length, now, out);
      case FrameType.ping:
        if (length !== FRAME_HEADER_BYTES + PING_BYTES) return this.#drop('malformed');
        return this.#seal(session, bytes, at, length, FrameType.pong, 0, out);
      case FrameType.resolve:
        return this.#resolve(session, bytes.subarray(at, at + length), now, out);
      case FrameType.close:
        this.#remove(session);
        return out.close(session.link);
      default:
        return this.#drop('unexpected-type');
    }
  }

  /** The session whose key the frame was made with; a pending one is confirmed by it. */
  #authenticate(
    bytes: Uint8Array,
    at: number,
    length: number,
    link: RelayLink,
    out: RelayServerOutput,
  ): ServerSession | undefined {
    const confirmed = this.#sessions.confirmedAt(link.id);
    const refusal = confirmed?.opener.check(bytes, at, length);
    if (confirmed && refusal === undefined) return confirmed;
    const pending = this.#sessions.pendingAt(link.id);
    if (pending && refusal !== 'replayed' && pending.opener.check(bytes, at, length) === undefined) {
      this.#confirm(pending, out);
      return pending;
    }
    this.#drop(refusal ?? (pending ? 'bad-tag' : 'no-session'));
    return undefined;
  }

  /** Make before break: only now the client's former session ends. */
  #confirm(session: ServerSession, out: RelayServerOutput): void {
    const onThisLink = this.#sessions.confirmedAt(session.link.id);
    if (onThisLink) this.#remove(onThisLink);
    const elsewhere = this.#sessions.of(session.identity);
    if (elsewhere) this.#end(elsewhere, CloseReason.replaced, out);
    this.#sessions.confirm(session);
    this.counters.confirmed++;
  }

  #forwardData(
    from: ServerSession,
    bytes: Uint8Array,
    at: number,
    length: number,
    now: Instant,
    out: RelayServerOutput,
  ): void {
    const payload = length - FRAME_HEADER_BYTES;
    if (!this.#isForwardable(bytes, at + FRAME_HEADER_BYTES, payload)) return this.#drop('not-forwardable');
    if (!from.frames.take(now) || !from.bytes.take(now, payload)) return this.#drop('rate-limited');
    this.#forward(from, bytes, at, length, FrameType.data, now, out);
  }

  #forwardSignal(
    from: ServerSession,
    bytes: Uint8Array,
    at: number,
    length: number,
    now: Instant,
    out: RelayServerOutput,
  ): void {
    const payload = length - FRAME_HEADER_BYTES;
    if (payload === 0 || payload > MAX_SIGNAL_BYTES) return this.#drop('not-forwardable');
    if (!from.signals.take(now)) return this.#drop('rate-limited');
    this.#forward(from, bytes, at, length, FrameType.signal, now, out);
  }

  #forward(
    from: ServerSession,
    bytes: Uint8Array,
    at: number,
    length: number,
    type: number,
    now: Instant,
    out: RelayServerOutput,
  ): void {
    const channel = channelOf(bytes, at);
    const to = this.#sessions.at(channel);
    if (!to || to.network !== from.network || to === from) {
      this.#drop('no-receiver');
      if (from.notices.take(now)) this.#notify(from, FrameType.gone, channel, new Uint8Array(0), out);
      return;
    }
    this.counters.forwardedFrames++;
    this.counters.forwardedBytes += length - FRAME_HEADER_BYTES;
    this.#seal(to, bytes, at, length, type, from.channel, out);
  }

  /** WireGuard by type and length, or a probe: nobody uses the relay for anything else. */
  #isForwardable(bytes: Uint8Array, at: number, length: number): boolean {
    if (this.#view.buffer !== bytes.buffer) this.#view = new DataView(bytes.buffer);
    const kind = classifyDatagram(this.#view, bytes.byteOffset + at, length);
    if (kind === 'transport' || kind === 'handshake') return true;
    if (kind !== 'stun' || length > MAX_PROBE_BYTES || length < PROBE_ID_AT + PROBE_ID_ATTRIBUTE.length) return false;
    return PROBE_ID_ATTRIBUTE.every((byte, i) => bytes[at + PROBE_ID_AT + i] === byte);
  }

  /** By key, or by channel without one. Who is asked for by key is told of the asker, from whom frames will come. */
  #resolve(session: ServerSession, frame: Uint8Array, now: Instant, out: RelayServerOutput): void {
    if (!session.notices.take(now)) return this.#drop('rate-limited');
    const payload = frame.subarray(FRAME_HEADER_BYTES);
    if (payload.length === 0) {
      const known = this.#sessions.at(channelOf(frame, 0));
      if (known?.network === session.network) this.#tell(session, known, out);
      return;
    }
    const key = payload.length === KEY_BYTES ? publicKeyFromBytes(payload) : undefined;
    if (!key) return this.#drop('malformed');
    const other = this.#sessions.of(identityOf(session.network, key));
    if (!other) return this.#notify(session, FrameType.resolved, 0, key, out);
    this.#tell(session, other, out);
    if (other !== session) this.#tell(other, session, out);
  }

  /** Which channel `about` has. */
  #tell(session: ServerSession, about: ServerSession, out: RelayServerOutput): void {
    this.#notify(session, FrameType.resolved, about.channel, about.client, out);
  }

  #notify(session: ServerSession, type: number, channel: number, payload: Uint8Array, out: RelayServerOutput): void {
    const frame = frameAround(payload);
    this.#seal(session, frame, 0, frame.length, type, channel, out);
  }

  #seal(
    to: ServerSession,
    bytes: Uint8Array,
    at: number,
    length: number,
    type: number,
    channel: number,
    out: RelayServerOutput,
  ): void {
    if (to.sealer.isExhausted) return this.#end(to, CloseReason.expired, out);
    to.sealer.seal(bytes, at, length, type, channel);
    out.send(bytes, at, length, to.link);
  }

  #end(session: ServerSession, reason: number, out: RelayServerOutput): void {
    if (!session.sealer.isExhausted) {
      const frame = frameAround(Uint8Array.of(reason));
      session.sealer.seal(frame, 0, frame.length, FrameType.close, 0);
      out.send(frame, 0, frame.length, session.link);
    }
    this.#remove(session);
    out.close(session.link);
  }

  #remove(session: ServerSession): void {
    if (!session.isPending) this.counters.ended++;
    this.#sessions.remove(session);
  }

  #drop(reason: DropReason): void {
    this.counters.dropped[reason]++;
  }
}

/** A map key: no network's name has a space. */
function identityOf(network: string, client: PublicKey): string {
  return `${network} ${encodePublicKey(client)}`;
}

function answer(frame: Uint8Array, link: RelayLink, out: RelayServerOutput): void {
  out.send(frame, 0, frame.length, link);
}

function sourceLimiter(perSecond: number): SourceRateLimiter {
  return new SourceRateLimiter({ perSecond, burst: 2 * perSecond, maxSources: MAX_SOURCES });
}
