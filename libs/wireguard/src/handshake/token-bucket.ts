// How often something may happen: so many times at once, and so many times a second in the long run. Used for handshakes.

import { durationBetween, type Instant } from '@shadownet/primitives';
import type { RateLimits } from '../constants.js';

export class TokenBucket {
  readonly #limits: RateLimits;
  #tokens: number;
  #updatedAt: Instant;

  /** Full. */
  constructor(limits: RateLimits, now: Instant) {
    this.#limits = limits;
    this.#tokens = limits.burst;
    this.#updatedAt = now;
  }

  /** True if it may happen once more `now`, which it then has. */
  take(now: Instant): boolean {
    this.#tokens = this.#tokensAt(now);
    this.#updatedAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** True if nothing would change if it were made anew. */
  isFull(now: Instant): boolean {
    return this.#tokensAt(now) >= this.#limits.burst;
  }

  #tokensAt(now: Instant): number {
    const refill = (durationBetween(this.#updatedAt, now) * this.#limits.perSecond) / 1000;
    // Rounded up by what floating point may have lost.
    return Math.min(this.#limits.burst, this.#tokens + refill + Number.EPSILON);
  }
}
