import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { median, pairedRatios, percentile, summarize } from './statistics.js';

describe('summarize', () => {
  it('gives the median and the range whatever the order', () => {
    expect(summarize([10, 9, 100])).toEqual({ median: 10, min: 9, max: 100, count: 3 });
    expect(summarize([4, 1, 3, 2])).toEqual({ median: 2.5, min: 1, max: 4, count: 4 });
  });

  it('has nothing to say about no values', () => {
    expect(summarize([])).toBeUndefined();
    expect(median([])).toBeNaN();
    expect(percentile([], 99)).toBeNaN();
  });
});

describe('percentile', () => {
  it('takes the nearest rank', () => {
    const oneToHundred = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(percentile(oneToHundred, 50)).toBe(50);
    expect(percentile(oneToHundred, 99)).toBe(99);
    expect(percentile(oneToHundred, 100)).toBe(100);
    expect(percentile([7], 1)).toBe(7);
    expect(percentile([1, 2, 3, 4], 99)).toBe(4);
  });

  it('is a value that so many do not exceed, and none smaller is', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 100 }),
        (values, percent) => {
          const found = percentile(values, percent);
          const share = (limit: number): number => values.filter((value) => value <= limit).length / values.length;
          expect(values).toContain(found);
          expect(share(found) * 100).toBeGreaterThanOrEqual(percent - 1e-9);
          expect(share(found - 1) * 100).toBeLessThan(percent);
        },
      ),
    );
  });
});

describe('pairedRatios', () => {
  it('divides within a round, and leaves out rounds that lack one side', () => {
    const ours = new Map([
      [1, 10],
      [2, 40],
      [3, 90],
    ]);
    const theirs = new Map([
      [1, 5],
      [3, 30],
      [4, 1],
    ]);
    expect(pairedRatios(ours, theirs)).toEqual([2, 3]);
  });

  it('leaves out a division by zero', () => {
    expect(pairedRatios(new Map([[1, 1]]), new Map([[1, 0]]))).toEqual([]);
  });
});
