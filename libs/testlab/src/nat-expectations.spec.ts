import { describe, expect, it } from 'vitest';
import { expectedBetween } from './nat-expectations.js';
import { NAT_KIND_NAMES } from './nat-kinds.js';

describe('the table of expectations', () => {
  it('says the same for both orders of a pair, and says something for each', () => {
    for (const a of NAT_KIND_NAMES) {
      for (const b of NAT_KIND_NAMES) {
        expect(expectedBetween(a, b), `${a} × ${b}`).toBeDefined();
        expect(expectedBetween(a, b)).toBe(expectedBetween(b, a));
      }
    }
  });

  it('has at least twelve kinds', () => {
    expect(NAT_KIND_NAMES.length).toBeGreaterThanOrEqual(12);
  });
});
