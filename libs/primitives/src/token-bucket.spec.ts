import { describe, expect, it } from 'vitest';
import { instant } from './instant.js';
import { TokenBucket } from './token-bucket.js';

describe('TokenBucket', () => {
  it('gives its burst at once, then what it regains, and never more than its burst', () => {
    const bucket = new TokenBucket({ perSecond: 2, burst: 3 });
    const taken = (milliseconds: number) => bucket.take(instant(milliseconds));
    expect([taken(0), taken(0), taken(0), taken(0)]).toEqual([true, true, true, false]);
    expect([taken(499), taken(500), taken(501)]).toEqual([false, true, false]);
    expect([taken(60_000), taken(60_000), taken(60_000), taken(60_000)]).toEqual([true, true, true, false]);
  });

  it('takes all of a count or nothing', () => {
    const bucket = new TokenBucket({ perSecond: 1, burst: 10 });
    expect(bucket.take(instant(0), 11)).toBe(false);
    expect(bucket.take(instant(0), 8)).toBe(true);
    expect(bucket.take(instant(0), 3)).toBe(false);
    expect(bucket.take(instant(0), 2)).toBe(true);
  });

  it('loses no token to rounding', () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 1 });
    expect(bucket.take(instant(0))).toBe(true);
    for (let at = 10; at < 100; at += 10) expect(bucket.take(instant(at))).toBe(false);
    expect(bucket.take(instant(100))).toBe(true);
  });

  it('is full when it is new, and again when all is regained', () => {
    const bucket = new TokenBucket({ perSecond: 1, burst: 2 });
    expect(bucket.isFull(instant(0))).toBe(true);
    bucket.take(instant(0));
    expect(bucket.isFull(instant(999))).toBe(false);
    expect(bucket.isFull(instant(1000))).toBe(true);
  });
});
