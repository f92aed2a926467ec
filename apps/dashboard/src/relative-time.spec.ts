import { describe, expect, it } from 'vitest';
import { ageOf, exactTimeFormat, formatAge, formatTimeAgo } from './relative-time';

const NOON = Date.UTC(2026, 0, 15, 12);

describe('formatAge', () => {
  it.each([
    [0, 'now'],
    [999, 'now'],
    [1_000, '1 s'],
    [59_999, '59 s'],
    [60_000, '1 min'],
    [3_599_999, '59 min'],
    [3_600_000, '1 h'],
    [86_399_999, '23 h'],
    [86_400_000, '1 d'],
    [400 * 86_400_000, '400 d'],
  ])('spells an age of %d ms as %s', (age, text) => {
    expect(formatAge(age)).toBe(text);
  });
});

describe('formatTimeAgo', () => {
  it('counts from the instant that it is given, not from a clock of its own', () => {
    expect(formatTimeAgo('2026-01-15T11:59:18.000Z', NOON)).toBe('42 s ago');
  });

  it('says now for an instant that lies ahead', () => {
    expect(ageOf('2026-01-15T12:00:09.000Z', NOON)).toBe(0);
    expect(formatTimeAgo('2026-01-15T12:00:09.000Z', NOON)).toBe('now');
  });
});

describe('exactTimeFormat', () => {
  it('shows the seconds and the zone of the viewer', () => {
    const text = exactTimeFormat('en-GB', 'Asia/Kolkata')('2026-01-15T12:00:09.000Z');
    expect(text).toContain('17:30:09');
    expect(text).toContain('+5:30');
  });
});
