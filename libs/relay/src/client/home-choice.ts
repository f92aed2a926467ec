// Which relay is a node's home: where its peers send to it. A pure choice, and a slow one: each change is told to all peers.

import type { Duration } from '@shadownet/primitives';
import type { RelayId } from './relay-client-types.js';

export interface HomeCandidate {
  readonly id: RelayId;
  /** `up` and `untried` relays can be chosen; those that have just failed only if there is nothing else. */
  readonly state: 'up' | 'untried' | 'failed';
  readonly rtt: Duration | undefined;
}

/** Another relay has to be nearer by so much of the round trip, and by so many milliseconds. */
export const NEARER_BY_FRACTION = 0.25;
export const NEARER_BY_MS = 5;

/**
 * The current home unless it fails or another one is clearly nearer. Among several without a home yet: the lowest round trip,
 * then one whose round trip is not known, in the order of the list; one that failed comes last.
 */
export function chooseHome(current: RelayId | undefined, candidates: readonly HomeCandidate[]): RelayId | undefined {
  const best = [...candidates].sort(compare)[0];
  const home = candidates.find(({ id }) => id === current);
  if (!home || !best || home.state === 'failed') return best?.id;
  return isClearlyNearer(best, home) ? best.id : home.id;
}

function compare(a: HomeCandidate, b: HomeCandidate): number {
  const failed = Number(a.state === 'failed') - Number(b.state === 'failed');
  if (failed !== 0) return failed;
  return (a.rtt ?? Number.MAX_VALUE) - (b.rtt ?? Number.MAX_VALUE);
}

function isClearlyNearer(a: HomeCandidate, home: HomeCandidate): boolean {
  if (a.rtt === undefined || home.rtt === undefined || a.state === 'failed') return false;
  return a.rtt <= home.rtt * (1 - NEARER_BY_FRACTION) && a.rtt <= home.rtt - NEARER_BY_MS;
}
