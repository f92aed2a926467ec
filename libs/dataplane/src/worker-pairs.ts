// How many pairs of packet workers a data plane has: one that sends and one that receives each. Used by the apps' configuration.

import { availableParallelism } from 'node:os';

/** Each has a queue of the TUN, and cells in the tables of sessions and peers. */
export const MAX_WORKER_PAIRS = 8;
/** Beyond this the turns that receive workers take leave little to gain (docs/data-plane.md). */
const MOST_BY_DEFAULT = 4;
/** A pair under load keeps two processors busy: a machine with two has none left for a second pair. */
const PROCESSORS_PER_PAIR = 2;

/** One pair for each two processors that the process may use, at least one and at most four. */
export function defaultWorkerPairs(processors = availableParallelism()): number {
  return Math.max(1, Math.min(MOST_BY_DEFAULT, Math.floor(processors / PROCESSORS_PER_PAIR)));
}
