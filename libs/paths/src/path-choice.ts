// Which path data takes: the hysteresis of path-score.ts, applied to what is known. Pure functions, used by path-search.ts.

import type { Instant } from '@shadownet/primitives';
import type { CandidateEntry, RelayEntry } from './candidate-table.js';
import { isInDoubt } from './liveness.js';
import { clearlyBetter } from './path-score.js';
import type { Connected } from './path-state.js';

/** Of a candidate that answers while no path is direct. */
export function isWorthLeavingTheRelay(entry: CandidateEntry, relay: RelayEntry | undefined, now: Instant): boolean {
  return !relay || clearlyBetter(entry.scoreAt(now), relay.scoreAt(now));
}

/** Of another candidate that answers while a direct path is in use. */
export function isWorthChangingTo(entry: CandidateEntry, state: Connected, now: Instant): boolean {
  return isInDoubt(state) || clearlyBetter(entry.scoreAt(now), state.entry.scoreAt(now));
}

/** Among those that are confirmed; the first one, unless a later one is clearly better. */
export function bestConfirmed(entries: readonly CandidateEntry[], now: Instant): CandidateEntry | undefined {
  return entries
    .filter(({ confirmation }) => confirmation)
    .reduce<CandidateEntry | undefined>(
      (best, entry) => (!best || clearlyBetter(entry.scoreAt(now), best.scoreAt(now)) ? entry : best),
      undefined,
    );
}
