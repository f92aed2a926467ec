// How a NAT chooses the outer ports of new mappings, out of several in the order in which it made them (RFC 4787 §4.2).

import type { PortAllocation } from './nat-report.js';

export interface Allocation {
  /** Mappings of one inner socket have the same one. */
  readonly socket: number;
  readonly localPort: number;
  readonly mappedPort: number;
}

/** Two differences that agree are the least that makes a pattern. */
const MIN_DIFFERENCES = 2;
/** Ports between two of ours go to other hosts; a NAT that steps further than this cannot be told from a random one. */
const LONGEST_STEP = 32;
/** A difference may be so many steps long: others took the ports in between. */
const MAX_STEPS_APART = 4;

/**
 * Where a socket has several mappings, only its later ones count: many NATs preserve the port for the first destination, and
 * what matters is what they do when they can't.
 */
export function portAllocation(allocations: readonly Allocation[]): PortAllocation {
  const later = allocations.filter((one, i) => allocations.findIndex(({ socket }) => socket === one.socket) < i);
  const telling = later.length > 0 ? later : allocations;
  if (telling.length >= 2 && 2 * telling.filter(isPreserved).length > telling.length) return { kind: 'preserving' };

  const differences = telling.flatMap((one) => {
    const before = allocations[allocations.indexOf(one) - 1];
    return before && !isPreserved(one) ? [one.mappedPort - before.mappedPort] : [];
  });
  if (differences.length < MIN_DIFFERENCES) return { kind: 'unknown' };
  const step = sequentialStep(differences);
  return step === undefined ? { kind: 'random' } : { kind: 'sequential', step };
}

function isPreserved({ localPort, mappedPort }: Allocation): boolean {
  return localPort === mappedPort;
}

/** The shortest difference, if two thirds of them are small multiples of it at most; negative where ports go down. */
function sequentialStep(differences: readonly number[]): number | undefined {
  const byLength = differences.filter((one) => one !== 0).sort((a, b) => Math.abs(a) - Math.abs(b));
  const step = byLength[0];
  if (step === undefined || Math.abs(step) > LONGEST_STEP) return undefined;
  const near = differences.filter((one) => one * step > 0 && Math.abs(one) <= MAX_STEPS_APART * Math.abs(step));
  return 3 * near.length >= 2 * differences.length ? step : undefined;
}
