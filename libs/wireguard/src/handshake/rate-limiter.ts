// How many handshakes a source that proved its address may start while the device is under load (whitepaper §5.3): a token
// bucket for each IPv4 address and each IPv6 /64, since whoever has one address of a /64 has all of them.

import { durationBetween, type Instant, type IpAddress } from '@shadownet/primitives';
import {
  HANDSHAKE_BURST_PER_SOURCE,
  HANDSHAKES_PER_SECOND_AND_SOURCE,
  MAX_RATE_LIMITED_SOURCES,
} from '../constants.js';

/** A packet costs this much of the time that a bucket has saved up. */
const COST = 1000 / HANDSHAKES_PER_SECOND_AND_SOURCE;
const FULL = COST * HANDSHAKE_BURST_PER_SOURCE;

interface Bucket {
  /** Milliseconds saved up, at most FULL. */
  saved: number;
  updatedAt: Instant;
}

export class RateLimiter {
  readonly #capacity: number;
  readonly #buckets = new Map<string, Bucket>();
  #sweptAt: Instant | undefined;

  constructor(capacity: number = MAX_RATE_LIMITED_SOURCES) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** True if `source` may have one more. A source for which there is no room is refused. */
  allow(source: IpAddress, now: Instant): boolean {
    const key = sourceKey(source);
    const bucket = this.#buckets.get(key);
    if (!bucket) {
      if (this.#buckets.size >= this.#capacity) this.#sweep(now);
      if (this.#buckets.size >= this.#capacity) return false;
      this.#buckets.set(key, { saved: FULL - COST, updatedAt: now });
      return true;
    }
    bucket.saved = savedBy(bucket, now);
    bucket.updatedAt = now;
    if (bucket.saved < COST) return false;
    bucket.saved -= COST;
    return true;
  }

  /** Forgets the sources whose buckets are full again; not more often than buckets can fill. */
  #sweep(now: Instant): void {
    if (this.#sweptAt !== undefined && durationBetween(this.#sweptAt, now) < FULL) return;
    this.#sweptAt = now;
    for (const [key, bucket] of this.#buckets) if (savedBy(bucket, now) >= FULL) this.#buckets.delete(key);
  }
}

function savedBy(bucket: Bucket, now: Instant): number {
  return Math.min(FULL, bucket.saved + durationBetween(bucket.updatedAt, now));
}

function sourceKey(source: IpAddress): string {
  return (source.family === 4 ? source.bytes : source.bytes.subarray(0, 8)).join('.');
}
