// What the engine must reach (`gate`) and what it aims for (`goal`), as data, and the verdict on a run.
import { type MetricId } from './metric.js';
import { type Results } from './results.js';
import { type Summary } from './statistics.js';

/** What a metric of the engine is held against: a contender's same metric, another metric of its own, or nothing. */
export type Yardstick =
  | { readonly kind: 'contender'; readonly id: string }
  | { readonly kind: 'own-metric'; readonly metric: MetricId }
  | { readonly kind: 'absolute' };

export interface Gate {
  readonly metric: MetricId;
  readonly against: Yardstick;
  readonly direction: 'at-least' | 'at-most';
  /** A ratio, or a value in the metric's unit if the yardstick is absolute. */
  readonly gate: number;
  readonly goal?: number;
}

export type Verdict =
  | { readonly kind: 'goal-reached' | 'reached' | 'not-reached'; readonly measured: Summary }
  | { readonly kind: 'not-measured' };

export const SUBJECT = 'shadownet-wg';
export const DEBIAN = 'wireguard-go-debian';
export const NEWEST = 'wireguard-go-newest';

const debian: Yardstick = { kind: 'contender', id: DEBIAN };
const newest: Yardstick = { kind: 'contender', id: NEWEST };

export const GATES: readonly Gate[] = [
  { metric: 'tcp-1', against: debian, direction: 'at-least', gate: 5.5, goal: 8 },
  { metric: 'tcp-1', against: newest, direction: 'at-least', gate: 1, goal: 1.3 },
  { metric: 'udp-1372', against: debian, direction: 'at-least', gate: 1.5, goal: 2 },
  { metric: 'udp-64', against: debian, direction: 'at-least', gate: 1.5, goal: 2 },
  { metric: 'rtt-slow-p50', against: debian, direction: 'at-most', gate: 1.15 },
  { metric: 'rtt-slow-p50', against: newest, direction: 'at-most', gate: 1.15 },
  { metric: 'rtt-fast-p50', against: debian, direction: 'at-most', gate: 1 },
  { metric: 'rtt-fast-p50', against: newest, direction: 'at-most', gate: 1 },
  { metric: 'rtt-load-p99', against: debian, direction: 'at-most', gate: 1 },
  { metric: 'rtt-load-p99', against: newest, direction: 'at-most', gate: 1 },
  {
    metric: 'tcp-peers-1000',
    against: { kind: 'own-metric', metric: 'tcp-peers-1' },
    direction: 'at-least',
    gate: 0.9,
  },
  { metric: 'cpu-peers-1000', against: { kind: 'own-metric', metric: 'cpu-peers-1' }, direction: 'at-most', gate: 1.1 },
  { metric: 'rss-load', against: { kind: 'absolute' }, direction: 'at-most', gate: 150e6 },
];

export function judge(gate: Gate, results: Results): Verdict {
  const measured = measure(gate, results);
  if (measured === undefined) return { kind: 'not-measured' };
  if (!satisfies(gate, measured.median, gate.gate)) return { kind: 'not-reached', measured };
  const goalReached = gate.goal !== undefined && satisfies(gate, measured.median, gate.goal);
  return { kind: goalReached ? 'goal-reached' : 'reached', measured };
}

function measure(gate: Gate, results: Results): Summary | undefined {
  switch (gate.against.kind) {
    case 'contender':
      return results.ratio([SUBJECT, gate.metric], [gate.against.id, gate.metric]);
    case 'own-metric':
      return results.ratio([SUBJECT, gate.metric], [SUBJECT, gate.against.metric]);
    case 'absolute':
      return results.summary(SUBJECT, gate.metric);
  }
}

function satisfies({ direction }: Gate, value: number, limit: number): boolean {
  return direction === 'at-least' ? value >= limit : value <= limit;
}
