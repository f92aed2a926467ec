// How good a path is, as a number that can be explained, and when one is so much better than another that changing pays.

import { type Duration, type IpAddress, ipAddressScope } from '@shadownet/primitives';
import type { Candidate } from './candidate.js';
import { BETTER_BY, BETTER_BY_FRACTION, FULL_DATAGRAM_BYTES } from './path-constants.js';

/** What is known of a path that works. */
export interface PathFacts {
  /** 'lan': no NAT that we know of lies between. */
  readonly kind: 'lan' | 'direct' | 'relay';
  readonly rtt: Duration;
  /** The largest datagram with data that is known to be lost on it, while smaller ones pass. */
  readonly losesBytes: number | undefined;
}

export interface PathScore {
  /** Lower is better; milliseconds of RTT where nothing else speaks for or against the path. */
  readonly score: number;
  /** For people, in the order of weight. */
  readonly reasons: readonly string[];
}

/** Above any RTT at which a path still answers in time. */
const RELAY_PENALTY = 10_000;
const SIZE_PENALTY = 20_000;

/**
 * 1. A path that loses full-sized data comes last: it carries the probes, but not what it is for.
 * 2. A direct path comes before a relay, which costs its owner bandwidth and everybody a detour.
 * 3. Then the RTT counts. One inside the same LAN counts as 30 % and 2 ms less: it costs no uplink, and does not end with a
 *    NAT's mapping; so much less is what `clearlyBetter` takes for better, so it wins where both measure alike.
 */
export function scorePath({ kind, rtt, losesBytes }: PathFacts): PathScore {
  const reasons: string[] = [];
  let score: number = rtt;
  if (losesBytes !== undefined && losesBytes <= FULL_DATAGRAM_BYTES) {
    score += SIZE_PENALTY;
    reasons.push(`datagrams of ${losesBytes} bytes get lost`);
  }
  if (kind === 'relay') {
    score += RELAY_PENALTY;
    reasons.push('by a relay');
  }
  if (kind === 'lan') {
    score -= LAN_FRACTION * rtt + LAN_BONUS;
    reasons.push('inside the LAN');
  }
  reasons.push(`${Math.round(rtt * 10) / 10} ms there and back`);
  return { score, reasons };
}

/** So that at any RTT a LAN path is clearly better than another one that measures the same. */
const LAN_FRACTION = 0.3;
const LAN_BONUS = 2;

/**
 * True if a path with score `a` should replace a working one with score `b`: lower by at least 20 % and by at least 2 ms,
 * which is more than the noise of measuring. Never both `clearlyBetter(a, b)` and `clearlyBetter(b, a)`.
 */
export function clearlyBetter({ score: a }: PathScore, { score: b }: PathScore): boolean {
  return b - a >= Math.max(BETTER_BY, BETTER_BY_FRACTION * Math.abs(b));
}

/** A private address that was announced by its owner or seen by ourselves is one of the same LAN, if it answers. */
export function isLanCandidate({ kind, endpoint }: Candidate): boolean {
  return (kind === 'host' || kind === 'peer-reflexive') && isPrivate(endpoint.address);
}

function isPrivate(address: IpAddress): boolean {
  return ipAddressScope(address) === 'private';
}
