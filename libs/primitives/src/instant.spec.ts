import { describe, expect, it } from 'vitest';
import { addDuration, durationBetween, instant, milliseconds, minutes, seconds } from './instant.js';

describe('time', () => {
  it('is counted in milliseconds', () => {
    expect([milliseconds(334), seconds(5), minutes(2)]).toEqual([334, 5000, 120_000]);
  });

  it('has a span between two instants, negative backwards', () => {
    const start = instant(1000.5);
    const end = addDuration(start, seconds(5));
    expect(end).toBe(6000.5);
    expect(durationBetween(start, end)).toBe(5000);
    expect(durationBetween(end, start)).toBe(-5000);
  });
});
