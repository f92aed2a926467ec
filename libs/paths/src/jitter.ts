// Spreads timers, so that nodes which started together don't go on in step.

import type { RandomBytes } from '@shadownet/crypto';
import { type Duration, milliseconds } from '@shadownet/primitives';

/** A duration between the two bounds, uniform in 65,536 steps. */
export function jittered([shortest, longest]: readonly [Duration, Duration], random: RandomBytes): Duration {
  const bytes = random(2);
  return milliseconds(shortest + ((longest - shortest) * (bytes[0]! * 256 + bytes[1]!)) / 0xffff);
}
