import { describe, expect, it } from 'vitest';
import { memoryGrowth } from './resident-memory.js';

const samples = (bytesAt: (second: number) => number) =>
  Array.from({ length: 100 }, (_, second) => ({ atMs: second * 1000, bytes: bytesAt(second) }));

describe('growth of memory', () => {
  it('is none where memory swings around a level that it reached in the warm-up', () => {
    expect(memoryGrowth(samples((second) => (second < 20 ? second : 20) * 1e6 + (second % 2) * 5e5))).toBe(0);
  });

  it('is what a steady leak adds between the middles of the first and the last quarter', () => {
    expect(memoryGrowth(samples((second) => 5e7 + second * 1000))).toBe(57_000);
  });

  it('is not claimed from a handful of samples', () => {
    expect(memoryGrowth(samples(() => 1).slice(0, 3))).toBe(0);
  });
});
