// When candidates are probed: in rounds while a path is searched for, after pauses that double, and now and then beside a path
// that works. Pure functions, used by path-search.ts.

import type { RandomBytes } from '@shadownet/crypto';
import { addDuration, type Instant, milliseconds } from '@shadownet/primitives';
import { jittered } from './jitter.js';
import {
  EXPLORE_INTERVAL,
  FIRST_PAUSE,
  LONGEST_PAUSE,
  LONGEST_RELAYED_PAUSE,
  MAX_EXPLORE_DOUBLINGS,
  PAUSE_JITTER,
  ROUND_INTERVAL,
  SETTLE_TIME,
} from './path-constants.js';
import type { Connected } from './path-state.js';

/** While a path is searched for, or was chosen just now. */
export function nextRound(now: Instant, random: RandomBytes): Instant {
  return addDuration(now, jittered(ROUND_INTERVAL, random));
}

/** The end of a pause of 2 s, 4 s, 8 s, 16 s, 30 s, 30 s…, each longer by up to a quarter; up to 5 min where data goes by a relay. */
export function retryAfter(failures: number, hasRelay: boolean, now: Instant, random: RandomBytes): Instant {
  const limit = hasRelay ? LONGEST_RELAYED_PAUSE : LONGEST_PAUSE;
  const pause = milliseconds(Math.min(FIRST_PAUSE * 2 ** failures, limit));
  const longest = milliseconds(pause * (1 + PAUSE_JITTER));
  return addDuration(now, jittered([pause, longest], random));
}

/** A round of probes to the other candidates goes out now. */
export function afterExploring(state: Connected, now: Instant, random: RandomBytes): Connected {
  if (now < state.settledAt) return { ...state, roundAt: nextRound(now, random), explored: 0 };
  const doublings = Math.min(state.explored, MAX_EXPLORE_DOUBLINGS);
  const wait = milliseconds(jittered(EXPLORE_INTERVAL, random) * 2 ** doublings);
  return { ...state, roundAt: addDuration(now, wait), explored: state.explored + 1 };
}

/** Lets the other candidates be probed frequently again for a while. */
export function unsettled(state: Connected, now: Instant, random: RandomBytes): Connected {
  const soon = nextRound(now, random);
  const roundAt = soon < state.roundAt ? soon : state.roundAt;
  return { ...state, roundAt, settledAt: addDuration(now, SETTLE_TIME) };
}
