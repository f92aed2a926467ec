import { describe, expect, it } from 'vitest';
import { sparklinePoints } from './sparkline-shape';

describe('sparklinePoints', () => {
  it('draws nothing from a single value', () => {
    expect(sparklinePoints([5_000], 60, 20, 4)).toBe('');
  });

  it('puts the newest value at the right edge and the peak at the top', () => {
    expect(sparklinePoints([0, 10_000], 60, 20, 4)).toBe('40,20 60,0');
  });

  it('fills the box when every slot has a value', () => {
    expect(sparklinePoints([0, 5_000, 0, 10_000], 60, 20, 4)).toBe('0,20 20,10 40,20 60,0');
  });

  it('keeps a trickle low', () => {
    expect(sparklinePoints([0, 512], 60, 20, 2)).toBe('0,20 60,15');
  });
});
