import { expect, it } from 'vitest';
import { formatRtt, formatRttRange } from './format-rtt';

it.each([
  [0, '0.0 ms'],
  [0.42, '0.4 ms'],
  [9.94, '9.9 ms'],
  [9.96, '10 ms'],
  [38.4, '38 ms'],
  [999.4, '999 ms'],
  [999.6, '1.0 s'],
])('spells a round trip of %d ms as %s', (rtt, text) => {
  expect(formatRtt(rtt)).toBe(text);
});

it('gives the span of several round trips, and one figure where they read the same', () => {
  expect(formatRttRange([38.4, 0.42, 12])).toBe('0.4 ms – 38 ms');
  expect(formatRttRange([12.1, 12.2])).toBe('12 ms');
  expect(formatRttRange([])).toBe('');
});
