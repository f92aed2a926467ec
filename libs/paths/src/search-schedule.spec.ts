import { instant } from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';
import { retryAfter } from './search-schedule.js';

const SOONEST = (length: number) => new Uint8Array(length);
const LATEST = (length: number) => new Uint8Array(length).fill(0xff);

describe('the pause after a search without success', () => {
  const pauses = (hasRelay: boolean) =>
    Array.from({ length: 9 }, (_, failures) => retryAfter(failures, hasRelay, instant(0), SOONEST) / 1000);

  it('doubles up to 30 s, and up to 5 min where data goes by a relay', () => {
    expect(pauses(false)).toEqual([2, 4, 8, 16, 30, 30, 30, 30, 30]);
    expect(pauses(true)).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 300]);
  });

  it('is longer by up to a quarter, at random', () => {
    expect(retryAfter(0, false, instant(1000), SOONEST)).toBe(3000);
    expect(retryAfter(0, false, instant(1000), LATEST)).toBe(3500);
  });
});
