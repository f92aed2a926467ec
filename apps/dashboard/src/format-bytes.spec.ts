import { describe, expect, it } from 'vitest';
import { formatBytes, formatRate } from './format-bytes';

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.00 KiB'],
    [1536, '1.50 KiB'],
    [1024 ** 2 - 1, '1.00 MiB'],
    [5.25 * 1024 ** 3, '5.25 GiB'],
    [3 * 1024 ** 4, '3.00 TiB'],
    [2048 * 1024 ** 4, '2048.00 TiB'],
  ])('spells %d bytes as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe('formatRate', () => {
  it.each([
    [0, '0 B/s'],
    [0.4, '0 B/s'],
    [999.4, '999 B/s'],
    [999.6, '0.98 KiB/s'],
    [9.994 * 1024, '9.99 KiB/s'],
    [9.996 * 1024, '10.0 KiB/s'],
    [123.4 * 1024, '123 KiB/s'],
    [1000 * 1024, '0.98 MiB/s'],
    [37.44 * 1024 ** 2, '37.4 MiB/s'],
  ])('spells %d bytes per second as %s', (rate, text) => {
    expect(formatRate(rate)).toBe(text);
  });

  it('never needs more than three significant digits below the largest unit', () => {
    for (let rate = 1; rate < 900 * 1024 ** 4; rate *= 1.07) {
      const digits = formatRate(rate).split(' ')[0]!.replace('.', '').replace(/^0+/, '');
      expect(digits.length).toBeLessThanOrEqual(3);
    }
  });
});
