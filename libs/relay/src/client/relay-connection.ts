// A client's connection to a relay over one link: a handshake, a session, or both while the session is renewed or its address
// proved anew. Used by RelayEntry, which has several while it looks for a link that works.

import type { CryptoProvider, RandomBytes, SipHasher } from '@shadownet/crypto';
import { assertNever, type Duration, type Endpoint, type Instant } from '@shadownet/primitives';
import { CloseReason, frameAround, FrameType, isSessionType, payloadOf } from '../frame.js';
import type { Refusal } from '../handshake-frames.js';
import { deriveFrameKeys, type StaticKeys } from '../session-keys.js';
import type { RelaySessionRef, RelaySessionTable } from '../session-table.js';
import { ClientSession } from './client-session.js';
import { Handshake } from './handshake.js';

export type ConnectionLink = { readonly kind: 'udp'; readonly endpoint: Endpoint } | { readonly kind: 'stream' };

export interface ConnectionOptions {
  readonly crypto: CryptoProvider;
  readonly random: RandomBytes;
  readonly hasher: SipHasher;
  readonly keys: StaticKeys;
  /** Asked for at each handshake: tickets are replaced. */
  readonly ticket: () => Uint8Array;
  /** Where packet workers find sessions by UDP. */
  readonly sessions?: RelaySessionTable | undefined;
}

export type ConnectionEvent =
  | { readonly kind: 'none' }
  | { readonly kind: 'up' }
  | { readonly kind: 'rtt'; readonly rtt: Duration }
  | { readonly kind: 'down'; readonly reason: 'no-answer' | 'closed' | Refusal }
  /** A frame of the session that is not the connection's own. */
  | { readonly kind: 'frame'; readonly type: number };

const NONE: ConnectionEvent = { kind: 'none' };
const CLOSED: ConnectionEvent = { kind: 'down', reason: 'closed' };
const NO_ANSWER: ConnectionEvent = { kind: 'down', reason: 'no-answer' };

/** The third goes out 1.2 s after the first. */
const LOSING_AFTER_TRANSMISSIONS = 3;

type Write = (frame: Uint8Array) => void;

export class RelayConnection {
  #handshake: Handshake | undefined;
  #session: ClientSession | undefined;

  constructor(
    readonly link: ConnectionLink,
    private readonly options: ConnectionOptions,
  ) {}

  /** Connects, or renews the session, which goes on meanwhile. */
  start(now: Instant, write: Write): void {
    this.#handshake = new Handshake({ ...this.options, ticket: this.options.ticket() }, now);
    this.#handshake.handleTimeout(now, write);
  }

  get isUp(): boolean {
    return this.#session !== undefined;
  }

  /** True if the relay has not answered the last pings of the session. */
  get isSilent(): boolean {
    return this.#session?.isSilent === true;
  }

  /** True if the relay has not answered for a while, not even to a new handshake. */
  get isLosing(): boolean {
    return (this.#handshake?.transmissions ?? 0) >= LOSING_AFTER_TRANSMISSIONS && this.isSilent;
  }

  /** Of the session, where packet workers know it. */
  get sessionRef(): RelaySessionRef | undefined {
    return this.#session?.ref;
  }

  /** When packet workers last sent or received, if that is news. */
  noteWorkerTraffic(): Instant | undefined {
    return this.#session?.noteWorkerTraffic();
  }

  /** Of the relay's process. */
  get instance(): number | undefined {
    return this.#session?.instance;
  }

  /** Seals and writes a frame whose payload is in place; only while it is up. */
  send(frame: Uint8Array, type: number, channel: number, now: Instant, write: Write): void {
    const session = this.#session!;
    if (!session.seal(frame, type, channel)) return;
    session.sent(now);
    write(frame);
  }

  /** Takes a frame of this link, authentic or not. */
  handle(frame: Uint8Array, now: Instant, write: Write): ConnectionEvent {
    if (isSessionType(frame[0]!)) return this.#handleSessionFrame(frame, now);
    const progress = this.#handshake?.handle(frame, now, write) ?? { kind: 'none' as const };
    switch (progress.kind) {
      case 'none':
        return NONE;
      case 'challenged':
        return progress.rtt === undefined ? NONE : { kind: 'rtt', rtt: progress.rtt };
      case 'refused':
        this.end();
        return { kind: 'down', reason: progress.why };
      case 'accepted': {
        const { crypto, keys, hasher, sessions: table } = this.options;
        const { acceptance } = progress;
        const shared = table && this.link.kind === 'udp' ? { table, relay: this.link.endpoint } : undefined;
        this.#session?.zero();
        this.#session = new ClientSession(
          { hasher, keys: deriveFrameKeys(crypto, keys, acceptance.nonce, acceptance.salt), acceptance, shared },
          now,
        );
        this.#handshake = undefined;
        // Shows the relay that we have the keys: nothing is forwarded to us before.
        write(this.#session.ping(now));
        return { kind: 'up' };
      }
      default:
        return assertNever(progress);
    }
  }

  nextDeadline(): Instant | undefined {
    const handshake = this.#handshake?.nextDeadline();
    if (!this.#session) return handshake;
    const ping = this.#session.nextPing();
    const session = handshake === undefined && this.#session.renewAt < ping ? this.#session.renewAt : ping;
    return handshake !== undefined && handshake < session ? handshake : session;
  }

  handleTimeout(now: Instant, write: Write): ConnectionEvent {
    const session = this.#session;
    if (this.#handshake && !this.#handshake.handleTimeout(now, write)) {
      if (!session || session.isSilent) {
        this.end();
        return NO_ANSWER;
      }
      this.#handshake = undefined;
      session.postponeRenewal(now);
    }
    if (!session) return NONE;
    if (now >= session.nextPing()) write(session.ping(now));
    if (!this.#handshake && (session.isSilent || now >= session.renewAt)) this.start(now, write);
    return NONE;
  }

  /** Says goodbye where there is somebody to hear it, and clears the keys. */
  leave(write: Write): void {
    if (this.#session) {
      const frame = frameAround(Uint8Array.of(CloseReason.leaving));
      if (this.#session.seal(frame, FrameType.close, 0)) write(frame);
    }
    this.end();
  }

  end(): void {
    this.#session?.zero();
    this.#session = undefined;
    this.#handshake = undefined;
  }

  #handleSessionFrame(frame: Uint8Array, now: Instant): ConnectionEvent {
    const session = this.#session;
    if (!session?.accepts(frame)) return NONE;
    session.heard(now);
    const type = frame[0]!;
    switch (type) {
      case FrameType.pong: {
        const rtt = session.handlePong(payloadOf(frame), now);
        return rtt === undefined ? NONE : { kind: 'rtt', rtt };
      }
      case FrameType.close:
        this.end();
        return CLOSED;
      default:
        return { kind: 'frame', type };
    }
  }
}
