// A peer that floods us with calls makes us search no more often than this: a token bucket.

import { durationBetween, type Instant } from '@shadownet/primitives';
import { CALL_BURST, CALL_INTERVAL } from './path-constants.js';

export class CallLimiter {
  #tokens = CALL_BURST;
  #filledAt: Instant | undefined;

  /** True if a call that came now is to be listened to. */
  admit(now: Instant): boolean {
    if (this.#filledAt !== undefined) {
      const earned = durationBetween(this.#filledAt, now) / CALL_INTERVAL;
      this.#tokens = Math.min(CALL_BURST, this.#tokens + earned);
    }
    this.#filledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
