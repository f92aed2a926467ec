// How often something may happen: so many times at once, and so many times a second in the long run. Used wherever somebody
// else decides how much comes: handshakes, calls, a relay's clients, requests of one source.

import type { Instant } from './instant.js';

export interface RateLimits {
  /** Tokens regained per second. */
  readonly perSecond: number;
  /** Tokens of a full bucket. */
  readonly burst: number;
}

export class TokenBucket {
  readonly #limits: RateLimits;
  #tokens: number;
  #filledAt: Instant | undefined;

  /** Full. */
  constructor(limits: RateLimits) {
    this.#limits = limits;
    this.#tokens = limits.burst;
  }

  /** Takes `count` tokens; false, and takes none, if there are fewer. */
  take(now: Instant, count = 1): boolean {
    this.#tokens = this.#tokensAt(now);
    this.#filledAt = now;
    if (this.#tokens < count) return false;
    this.#tokens -= count;
    return true;
  }

  /** True if nothing would change if it were made anew. */
  isFull(now: Instant): boolean {
    return this.#tokensAt(now) >= this.#limits.burst;
  }

  #tokensAt(now: Instant): number {
    const elapsed = this.#filledAt === undefined ? 0 : Math.max(0, now - this.#filledAt);
    const regained = (elapsed * this.#limits.perSecond) / 1000;
    // Rounded up by what floating point may have lost.
    return Math.min(this.#limits.burst, this.#tokens + regained + Number.EPSILON);
  }
}
