// The relay's side of a session: who, where, under which keys and limits. It is pending until the client has shown, by a first
// frame, that it has the keys; nothing is forwarded to it before.

import type { SipHasher } from '@shadownet/crypto';
import {
  addDuration,
  type Instant,
  type PublicKey,
  type RateLimits,
  type TimerOwner,
  TokenBucket,
} from '@shadownet/primitives';
import { NOTICES_PER_SECOND, PENDING_LIFETIME, SESSION_IDLE_TIME } from '../constants.js';
import { FrameOpener, FrameSealer } from '../frame-protection.js';
import type { FrameKeys } from '../session-keys.js';
import type { RelayLink } from './relay-link.js';

export interface ClientLimits {
  readonly frames: RateLimits;
  /** Payload. */
  readonly bytes: RateLimits;
  readonly signals: RateLimits;
}

export interface ServerSessionOptions {
  readonly hasher: SipHasher;
  readonly link: RelayLink;
  readonly client: PublicKey;
  /** Network and key, as a map key. */
  readonly identity: string;
  readonly network: string;
  readonly channel: number;
  readonly nonce: Uint8Array;
  /** Of the challenge; of two sessions the later one is meant. */
  readonly issuedAt: bigint;
  readonly keys: FrameKeys;
  readonly limits: ClientLimits;
  readonly until: Instant;
  /** The accept frame, for a connect that comes again. */
  readonly answer: Uint8Array;
}

export class ServerSession implements TimerOwner {
  readonly link: RelayLink;
  readonly client: PublicKey;
  readonly identity: string;
  readonly network: string;
  readonly channel: number;
  readonly nonce: Uint8Array;
  readonly issuedAt: bigint;
  readonly answer: Uint8Array;
  readonly sealer: FrameSealer;
  readonly opener: FrameOpener;
  readonly frames: TokenBucket;
  readonly bytes: TokenBucket;
  readonly signals: TokenBucket;
  readonly notices = new TokenBucket({ perSecond: NOTICES_PER_SECOND, burst: NOTICES_PER_SECOND });
  readonly #until: Instant;
  #state: 'pending' | 'confirmed' = 'pending';
  #heardAt: Instant;

  constructor(options: ServerSessionOptions, now: Instant) {
    const { hasher, keys, limits } = options;
    this.link = options.link;
    this.client = options.client;
    this.identity = options.identity;
    this.network = options.network;
    this.channel = options.channel;
    this.nonce = options.nonce;
    this.issuedAt = options.issuedAt;
    this.answer = options.answer;
    this.sealer = new FrameSealer(hasher, keys.toClient);
    this.opener = new FrameOpener(hasher, keys.toRelay);
    this.frames = new TokenBucket(limits.frames);
    this.bytes = new TokenBucket(limits.bytes);
    this.signals = new TokenBucket(limits.signals);
    this.#until = options.until;
    this.#heardAt = now;
  }

  get isPending(): boolean {
    return this.#state === 'pending';
  }

  confirm(): void {
    this.#state = 'confirmed';
  }

  /** An authentic frame has come. */
  heard(now: Instant): void {
    this.#heardAt = now;
  }

  nextDeadline(): Instant {
    const silence = addDuration(this.#heardAt, this.isPending ? PENDING_LIFETIME : SESSION_IDLE_TIME);
    return silence < this.#until ? silence : this.#until;
  }

  zero(): void {
    this.sealer.zero();
    this.opener.zero();
  }
}
