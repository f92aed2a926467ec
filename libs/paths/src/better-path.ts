// Which of two working paths to use.

import { type Duration, ipAddressScope } from '@shadownet/primitives';
import type { Candidate } from './candidate.js';
import { BETTER_BY, BETTER_BY_FRACTION } from './path-constants.js';

export interface ConfirmedPath {
  readonly candidate: Candidate;
  readonly rtt: Duration;
}

/**
 * True if `a` should replace `b`, both working. In this order:
 *
 * 1. The lower RTT wins if it is lower by at least 20 % and by at least 2 ms: 40 → 32 ms, or 3 → 1 ms, but not 4 → 3 ms
 *    (noise) nor 100 → 90 ms (not worth a change).
 * 2. Otherwise they are equal, and a path inside the same LAN wins over one that is not: it costs no uplink, and does not
 *    end with a NAT's mapping.
 *
 * So never both of `betterPath(a, b)` and `betterPath(b, a)`, and two nodes that measure alike choose alike.
 */
export function betterPath(a: ConfirmedPath, b: ConfirmedPath): boolean {
  if (clearlyFaster(a.rtt, b.rtt)) return true;
  if (clearlyFaster(b.rtt, a.rtt)) return false;
  return isLan(a.candidate) && !isLan(b.candidate);
}

function clearlyFaster(a: Duration, b: Duration): boolean {
  return a <= b * (1 - BETTER_BY_FRACTION) && a <= b - BETTER_BY;
}

/** A private address that was announced by its owner or seen by ourselves: no NAT that we know of lies between. */
function isLan({ kind, endpoint }: Candidate): boolean {
  return kind !== 'server-reflexive' && ipAddressScope(endpoint.address) === 'private';
}
