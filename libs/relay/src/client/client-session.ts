// The client's side of a session: its keys, and whether the relay still hears it. Pings are rare while all is quiet, and
// frequent once something was sent that nothing has come back for.

import type { SipHasher } from '@shadownet/crypto';
import { addDuration, type Duration, durationBetween, type Instant, seconds } from '@shadownet/primitives';
import {
  FRAME_HEADER_BYTES,
  MAX_UNANSWERED_PINGS,
  MIN_RENEWAL_TIME,
  PING_BYTES,
  RENEW_AFTER_FRACTION,
  SILENCE_BEFORE_PING,
  URGENT_PING_INTERVAL,
} from '../constants.js';
import { FrameType } from '../frame.js';
import { FrameOpener, FrameSealer } from '../frame-protection.js';
import type { Acceptance } from '../handshake-frames.js';
import type { FrameKeys } from '../session-keys.js';

export class ClientSession {
  readonly sealer: FrameSealer;
  readonly opener: FrameOpener;
  readonly instance: number;
  renewAt: Instant;
  readonly #keepalive: Duration;
  readonly #ping = new Uint8Array(FRAME_HEADER_BYTES + PING_BYTES);
  #pings = 0;
  #heardAt: Instant;
  /** When the first of what nothing has come back for was sent. */
  #unheardSince: Instant | undefined;
  #pingedAt: Instant | undefined;
  #unanswered = 0;

  constructor(hasher: SipHasher, keys: FrameKeys, acceptance: Acceptance, now: Instant) {
    this.sealer = new FrameSealer(hasher, keys.toRelay);
    this.opener = new FrameOpener(hasher, keys.toClient);
    this.instance = acceptance.instance;
    const lifetime = seconds(acceptance.lifetimeSeconds * RENEW_AFTER_FRACTION);
    this.renewAt = addDuration(now, lifetime > MIN_RENEWAL_TIME ? lifetime : MIN_RENEWAL_TIME);
    this.#keepalive = seconds(Math.max(1, acceptance.keepaliveSeconds));
    this.#heardAt = now;
  }

  /** True when the relay has not answered for so long that the address has to be proved anew. */
  get isSilent(): boolean {
    return this.#unanswered >= MAX_UNANSWERED_PINGS;
  }

  sent(now: Instant): void {
    this.#unheardSince ??= now;
  }

  /** An authentic frame has come. */
  heard(now: Instant): void {
    this.#heardAt = now;
    this.#unheardSince = undefined;
    this.#unanswered = 0;
  }

  /** The round trip if this answers the last ping. */
  handlePong(payload: Uint8Array, now: Instant): Duration | undefined {
    if (this.#pingedAt === undefined || payload.length !== PING_BYTES) return undefined;
    const number = new DataView(payload.buffer, payload.byteOffset, PING_BYTES).getUint32(0);
    if (number !== this.#pings) return undefined;
    const rtt = durationBetween(this.#pingedAt, now);
    this.#pingedAt = undefined;
    return rtt;
  }

  /** The relay did not answer; it is tried again, since the session goes on. */
  postponeRenewal(now: Instant): void {
    this.renewAt = addDuration(now, MIN_RENEWAL_TIME);
  }

  /** When the next ping is due. */
  nextPing(): Instant {
    if (this.#unanswered > 0 && this.#pingedAt !== undefined) return addDuration(this.#pingedAt, URGENT_PING_INTERVAL);
    const idle = addDuration(this.#heardAt, this.#keepalive);
    if (this.#unheardSince === undefined) return idle;
    const urgent = addDuration(this.#unheardSince, SILENCE_BEFORE_PING);
    return urgent < idle ? urgent : idle;
  }

  ping(now: Instant): Uint8Array {
    this.#pings++;
    this.#pingedAt = now;
    this.#unanswered++;
    new DataView(this.#ping.buffer).setUint32(FRAME_HEADER_BYTES, this.#pings);
    this.sealer.seal(this.#ping, 0, this.#ping.length, FrameType.ping, 0);
    return this.#ping;
  }

  zero(): void {
    this.sealer.zero();
    this.opener.zero();
  }
}
