// A token bucket: so many at once, refilled at so many per second. One per client and kind of limit.

import type { Instant } from '@shadownet/primitives';

export interface TokenLimits {
  readonly perSecond: number;
  readonly burst: number;
}

export class TokenBucket {
  #tokens: number;
  #filledAt: Instant | undefined;

  constructor(private readonly limits: TokenLimits) {
    this.#tokens = limits.burst;
  }

  /** Takes `count` tokens; false, and takes none, if there are fewer. */
  take(count: number, now: Instant): boolean {
    if (this.#filledAt !== undefined && now > this.#filledAt) {
      const regained = ((now - this.#filledAt) * this.limits.perSecond) / 1000;
      this.#tokens = Math.min(this.limits.burst, this.#tokens + regained);
    }
    this.#filledAt = now;
    if (this.#tokens < count) return false;
    this.#tokens -= count;
    return true;
  }
}
