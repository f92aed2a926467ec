// When a sans-IO core next wants its `handleTimeout`, and why: every wake-up can be explained.

import type { Instant } from './instant.js';

export interface Wakeup {
  readonly at: Instant;
  /** For logs and status: which timer it is. */
  readonly reason: string;
}

/** The first of the wake-ups to come due; `undefined` if there is none. */
export function earliestWakeup(...wakeups: readonly (Wakeup | undefined)[]): Wakeup | undefined {
  let earliest: Wakeup | undefined;
  for (const wakeup of wakeups) {
    if (wakeup && (!earliest || wakeup.at < earliest.at)) earliest = wakeup;
  }
  return earliest;
}
