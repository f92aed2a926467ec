// Limits how often one source is served, in bounded memory. A token bucket per IPv4 address and per IPv6 /64, since one
// IPv6 host owns that many addresses.

import { encodeHex } from './hex.js';
import type { Instant } from './instant.js';
import type { IpAddress } from './ip-address.js';
import { type RateLimits, TokenBucket } from './token-bucket.js';

/** Of each source. */
export interface SourceRateLimits extends RateLimits {
  /** Sources remembered; the one unseen for longest is forgotten for a new one. */
  readonly maxSources: number;
}

const V6_SITE_BYTES = 8;

export class SourceRateLimiter {
  readonly #limits: SourceRateLimits;
  /** In the order of last use, the oldest first. */
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(limits: SourceRateLimits) {
    this.#limits = limits;
  }

  /** Takes a token of the source of `address`; false if it has none left. */
  admit(address: IpAddress, now: Instant): boolean {
    const source = sourceOf(address);
    const bucket = this.#buckets.get(source) ?? new TokenBucket(this.#limits);
    this.#buckets.delete(source);
    if (this.#buckets.size >= this.#limits.maxSources) this.#forgetOldest();
    this.#buckets.set(source, bucket);
    return bucket.take(now);
  }

  /** Sources remembered now. */
  get size(): number {
    return this.#buckets.size;
  }

  #forgetOldest(): void {
    for (const oldest of this.#buckets.keys()) {
      this.#buckets.delete(oldest);
      return;
    }
  }
}

/** What is one source: an IPv4 address or an IPv6 /64. */
export function sourceOf({ family, bytes }: IpAddress): string {
  return encodeHex(family === 4 ? bytes : bytes.subarray(0, V6_SITE_BYTES));
}
