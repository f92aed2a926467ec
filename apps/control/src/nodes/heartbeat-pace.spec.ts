import { describe, expect, it } from 'vitest';
import { intervalFor } from './heartbeat-pace.js';

describe('the interval of heartbeats', () => {
  it.each([
    [0, 2_000, 30_000],
    [100, 2_000, 30_000],
    [500, 10_000, 30_000],
    [1_800, 36_000, 36_000],
    [65_533, 40_000, 40_000],
  ])('of %i nodes is %i ms while somebody watches, and %i ms else', (nodes, watched, unwatched) => {
    expect([intervalFor(nodes, 'watched'), intervalFor(nodes, 'unwatched')]).toEqual([watched, unwatched]);
  });
});
