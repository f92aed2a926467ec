// The client's side of a session: its keys, and whether the relay still hears it. Pings are rare while all is quiet, and
// frequent once something was sent that nothing has come back for. With packet workers, keys, counter and window lie in the table
// that these use as well: then frames come in checked, and what workers sent and received is taken note of from time to time.

import type { SipHasher } from '@shadownet/crypto';
import {
  addDuration,
  type Duration,
  durationBetween,
  type Endpoint,
  type Instant,
  seconds,
} from '@shadownet/primitives';
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
import { FrameOpener, FrameSealer, sealFrame } from '../frame-protection.js';
import type { Acceptance } from '../handshake-frames.js';
import type { FrameKeys } from '../session-keys.js';
import type { RelaySessionRef, RelaySessionTable } from '../session-table.js';

/** Who seals and checks the frames of a session. */
type Protection =
  | { readonly kind: 'own'; readonly sealer: FrameSealer; readonly opener: FrameOpener }
  | { readonly kind: 'shared'; readonly table: RelaySessionTable; readonly ref: RelaySessionRef };

export interface ClientSessionOptions {
  readonly hasher: SipHasher;
  /** Become the session's to zero. */
  readonly keys: FrameKeys;
  readonly acceptance: Acceptance;
  /** Where packet workers find the session, by the relay's address that they see; left out for one that only the core uses. */
  readonly shared?: { readonly table: RelaySessionTable; readonly relay: Endpoint } | undefined;
}

export class ClientSession {
  readonly instance: number;
  readonly #hasher: SipHasher;
  readonly #protection: Protection;
  renewAt: Instant;
  readonly #keepalive: Duration;
  readonly #ping = new Uint8Array(FRAME_HEADER_BYTES + PING_BYTES);
  #pings = 0;
  #heardAt: Instant;
  #spokeAt: Instant;
  /** When the first of what nothing has come back for was sent. */
  #unheardSince: Instant | undefined;
  #pingedAt: Instant | undefined;
  #unanswered = 0;
  /** What of the workers' traffic was taken note of. */
  readonly #seen = { sentAt: 0, receivedAt: 0 };

  constructor({ hasher, keys, acceptance, shared }: ClientSessionOptions, now: Instant) {
    this.#hasher = hasher;
    this.#protection = protectionOf(hasher, keys, shared);
    this.instance = acceptance.instance;
    const lifetime = seconds(acceptance.lifetimeSeconds * RENEW_AFTER_FRACTION);
    this.renewAt = addDuration(now, lifetime > MIN_RENEWAL_TIME ? lifetime : MIN_RENEWAL_TIME);
    this.#keepalive = seconds(Math.max(1, acceptance.keepaliveSeconds));
    this.#heardAt = now;
    this.#spokeAt = now;
  }

  /** True when the relay has not answered for so long that the address has to be proved anew. */
  get isSilent(): boolean {
    return this.#unanswered >= MAX_UNANSWERED_PINGS;
  }

  /** The name by which packet workers know the session, if they do. */
  get ref(): RelaySessionRef | undefined {
    return this.#protection.kind === 'shared' ? this.#protection.ref : undefined;
  }

  /** Writes the header of a frame whose payload is in place. False if the session has no counter left. */
  seal(frame: Uint8Array, type: number, channel: number): boolean {
    const protection = this.#protection;
    if (protection.kind === 'own') {
      if (protection.sealer.isExhausted) return false;
      protection.sealer.seal(frame, 0, frame.length, type, channel);
      return true;
    }
    const { table, ref } = protection;
    const counter = table.reserveCounters(ref, 1);
    if (counter === undefined) return false;
    sealFrame(this.#hasher, table.sendKey(ref), frame, 0, frame.length, type, channel, counter);
    return true;
  }

  /** Whether a frame of this session is authentic and new; it is marked as seen. */
  accepts(frame: Uint8Array): boolean {
    const protection = this.#protection;
    if (protection.kind === 'own') return protection.opener.check(frame, 0, frame.length) === undefined;
    return protection.table.isChecked(protection.ref);
  }

  /** Takes note of what packet workers sent and received. When that was, if it is news. */
  noteWorkerTraffic(): Instant | undefined {
    if (this.#protection.kind === 'own') return undefined;
    const { table, ref } = this.#protection;
    const [sentAt, receivedAt] = [table.sentAt(ref), table.receivedAt(ref)];
    const seen = this.#seen;
    if (sentAt === seen.sentAt && receivedAt === seen.receivedAt) return undefined;
    if (receivedAt !== seen.receivedAt && receivedAt >= this.#heardAt) this.heard(receivedAt);
    if (sentAt !== seen.sentAt && sentAt > this.#heardAt) this.sent(sentAt);
    if (sentAt > this.#spokeAt) this.#spokeAt = sentAt;
    Object.assign(seen, { sentAt, receivedAt });
    return sentAt > receivedAt ? sentAt : receivedAt;
  }

  sent(now: Instant): void {
    this.#unheardSince ??= now;
    this.#spokeAt = now;
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
    // Whoever only receives has to be heard of all the same: by the relay, and by the NAT on the way.
    const idle = addDuration(this.#heardAt < this.#spokeAt ? this.#heardAt : this.#spokeAt, this.#keepalive);
    if (this.#unheardSince === undefined) return idle;
    const urgent = addDuration(this.#unheardSince, SILENCE_BEFORE_PING);
    return urgent < idle ? urgent : idle;
  }

  ping(now: Instant): Uint8Array {
    this.#pings++;
    this.#pingedAt = now;
    this.#spokeAt = now;
    this.#unanswered++;
    new DataView(this.#ping.buffer).setUint32(FRAME_HEADER_BYTES, this.#pings);
    this.seal(this.#ping, FrameType.ping, 0);
    return this.#ping;
  }

  /** Shared keys are zeroed once no worker can be using them. */
  zero(): void {
    const protection = this.#protection;
    if (protection.kind === 'shared') return protection.table.retire(protection.ref);
    protection.sealer.zero();
    protection.opener.zero();
  }
}

function protectionOf(hasher: SipHasher, keys: FrameKeys, shared: ClientSessionOptions['shared']): Protection {
  const ref = shared?.table.open(shared.relay, keys);
  if (!shared || !ref) {
    const [sealer, opener] = [new FrameSealer(hasher, keys.toRelay), new FrameOpener(hasher, keys.toClient)];
    return { kind: 'own', sealer, opener };
  }
  keys.toRelay.fill(0);
  keys.toClient.fill(0);
  return { kind: 'shared', table: shared.table, ref };
}
