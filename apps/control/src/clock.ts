// The server's two clocks. Wall time goes into messages and the database; monotonic time decides how long something took.

import { performance } from 'node:perf_hooks';
import { type Instant, instant } from '@shadownet/primitives';

export interface Clock {
  /** Milliseconds since the Unix epoch. */
  wall(): number;
  monotonic(): Instant;
}

/** The injection token of the Clock. */
export const CLOCK = Symbol('CLOCK');

export const systemClock: Clock = {
  wall: () => Date.now(),
  monotonic: () => instant(performance.now()),
};

/** RFC 3339 in UTC with milliseconds, as every message has it. */
export function formatTime(wallMs: number): string {
  return new Date(wallMs).toISOString();
}
