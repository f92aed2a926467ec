import { describe, expect, it } from 'vitest';
import { formatNumber, formatRatio, formatSummary } from './number-format.js';

describe('formatNumber', () => {
  it.each([
    [1_234_567, '1,234,567'],
    [99.96, '100'],
    [99.9, '99.9'],
    [9.999, '10.0'],
    [5.5, '5.50'],
    [0.1, '0.10'],
    [0.0314, '0.031'],
    [0, '0'],
  ])('writes %d as %s', (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });
});

describe('summaries', () => {
  it('shows the range of several rounds, and none of a single one', () => {
    const several = { median: 3.2e9, min: 3e9, max: 3.5e9, count: 5 };
    expect(formatSummary(several, 'bits/s')).toBe('3.20 (3.00–3.50)');
    expect(formatSummary({ ...several, count: 1 }, 'bits/s')).toBe('3.20');
    expect(formatRatio({ median: 5.5, min: 5, max: 6, count: 3 })).toBe('5.50 × (5.00–6.00)');
  });
});
