import { describe, expect, it } from 'vitest';
import { type Gate, judge, SUBJECT } from './gates.js';
import { type MetricId } from './metric.js';
import { Results } from './results.js';

const RIVAL = 'rival';

function resultsOf(ours: readonly number[], theirs: readonly number[], metric: MetricId = 'tcp-1'): Results {
  const results = new Results();
  ours.forEach((value, index) => results.record(SUBJECT, index + 1, { [metric]: value }));
  theirs.forEach((value, index) => results.record(RIVAL, index + 1, { [metric]: value }));
  return results;
}

describe('judge', () => {
  const atLeast: Gate = {
    metric: 'tcp-1',
    against: { kind: 'contender', id: RIVAL },
    direction: 'at-least',
    gate: 2,
    goal: 3,
  };

  it('holds the median of the ratios of each round against gate and goal', () => {
    expect(judge(atLeast, resultsOf([10, 20, 90], [10, 10, 10])).kind).toBe('reached');
    expect(judge(atLeast, resultsOf([10, 30, 90], [10, 10, 10])).kind).toBe('goal-reached');
    expect(judge(atLeast, resultsOf([10, 19, 90], [10, 10, 10]))).toEqual({
      kind: 'not-reached',
      measured: { median: 1.9, min: 1, max: 9, count: 3 },
    });
  });

  it('turns round for what should be low', () => {
    const atMost: Gate = { ...atLeast, direction: 'at-most', gate: 1.15, goal: 1 };
    expect(judge(atMost, resultsOf([115], [100])).kind).toBe('reached');
    expect(judge(atMost, resultsOf([116], [100])).kind).toBe('not-reached');
    expect(judge(atMost, resultsOf([90], [100])).kind).toBe('goal-reached');
  });

  it('compares the engine with itself, and with a plain number', () => {
    const results = resultsOf([95], [], 'tcp-peers-1000');
    results.record(SUBJECT, 1, { 'tcp-peers-1': 100, 'rss-load': 151e6 });
    const own: Gate = {
      metric: 'tcp-peers-1000',
      against: { kind: 'own-metric', metric: 'tcp-peers-1' },
      direction: 'at-least',
      gate: 0.9,
    };
    const absolute: Gate = { metric: 'rss-load', against: { kind: 'absolute' }, direction: 'at-most', gate: 150e6 };
    expect(judge(own, results).kind).toBe('reached');
    expect(judge(absolute, results).kind).toBe('not-reached');
  });

  it('passes no verdict on what was not measured', () => {
    expect(judge(atLeast, resultsOf([10], []))).toEqual({ kind: 'not-measured' });
  });
});
