// The process's clocks and randomness, the only place that asks for them: everything below is handed what they say.

import { randomFillSync } from 'node:crypto';
import type { RandomBytes } from '@shadownet/crypto';
import { type Instant, instant } from '@shadownet/primitives';

/** Monotonic milliseconds; unlike performance.now it cannot be adjusted. */
export function monotonicNow(): Instant {
  return instant(Number(process.hrtime.bigint()) / 1e6);
}

/** Milliseconds since the Unix epoch. */
export function wallNow(): number {
  return Date.now();
}

/** Nanoseconds since the Unix epoch, at the resolution of a millisecond. */
export function wallNanoseconds(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}

/** When, by the wall clock as it is set now, the monotonic clock showed `at`: nanoseconds since the Unix epoch. */
export function wallNanosecondsAt(at: Instant): bigint {
  return wallNanoseconds() - BigInt(Math.round((monotonicNow() - at) * 1e6));
}

export const secureRandom: RandomBytes = (length) => randomFillSync(new Uint8Array(length));
