// How many handshake messages each source may send while the device is under load (whitepaper §5.3): a token bucket for each
// IPv4 address and each IPv6 /64, since whoever has one address of a /64 has all of them.

import {
  durationBetween,
  type Instant,
  type IpAddress,
  type RateLimits,
  sourceOf,
  TokenBucket,
} from '@shadownet/primitives';
import { MAX_RATE_LIMITED_SOURCES } from '../constants.js';

export class RateLimiter {
  readonly #limits: RateLimits;
  readonly #capacity: number;
  /** In which every bucket is full again. */
  readonly #refillTime: number;
  readonly #buckets = new Map<string, TokenBucket>();
  #sweptAt: Instant | undefined;

  constructor(limits: RateLimits, capacity: number = MAX_RATE_LIMITED_SOURCES) {
    this.#limits = limits;
    this.#capacity = capacity;
    this.#refillTime = (1000 * limits.burst) / limits.perSecond;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** True if `source` may have one more. A source for which there is no room is refused. */
  allow(source: IpAddress, now: Instant): boolean {
    const key = sourceOf(source);
    let bucket = this.#buckets.get(key);
    if (!bucket) {
      if (this.#buckets.size >= this.#capacity) this.#sweep(now);
      if (this.#buckets.size >= this.#capacity) return false;
      bucket = new TokenBucket(this.#limits);
      this.#buckets.set(key, bucket);
    }
    return bucket.take(now);
  }

  /** Forgets the sources whose buckets are full again; not more often than buckets can fill. */
  #sweep(now: Instant): void {
    if (this.#sweptAt !== undefined && durationBetween(this.#sweptAt, now) < this.#refillTime) return;
    this.#sweptAt = now;
    for (const [key, bucket] of this.#buckets) if (bucket.isFull(now)) this.#buckets.delete(key);
  }
}
