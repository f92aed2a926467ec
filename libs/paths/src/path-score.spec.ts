import { milliseconds } from '@shadownet/primitives';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clearlyBetter, type PathFacts, scorePath } from './path-score.js';

const path = (kind: PathFacts['kind'], rtt: number, losesBytes?: number): PathFacts => ({
  kind,
  rtt: milliseconds(rtt),
  losesBytes,
});
const replaces = (a: PathFacts, b: PathFacts): boolean => clearlyBetter(scorePath(a), scorePath(b));

describe('a path replaces another', () => {
  it.each([
    [32, 40, true],
    [33, 40, false],
    [90, 100, false],
    [1, 3, true],
    [3, 4, false],
    [40, 32, false],
    [40, 40, false],
  ])('of the same kind by RTT, clearly: %d ms for %d ms is %s', (a, b, better) => {
    expect(replaces(path('direct', a), path('direct', b))).toBe(better);
  });

  it('if it is in the LAN, unless the other is clearly faster', () => {
    for (const rtt of [0.1, 1, 4, 40, 400]) expect(replaces(path('lan', rtt), path('direct', rtt))).toBe(true);
    expect(replaces(path('direct', 3), path('lan', 4))).toBe(false);
    expect(replaces(path('direct', 10), path('lan', 40))).toBe(true);
  });

  it('if it is direct and the other a relay, however slow', () => {
    expect(replaces(path('direct', 900), path('relay', 5))).toBe(true);
    expect(replaces(path('relay', 5), path('direct', 900))).toBe(false);
  });

  it('if the other loses full-sized data, even by a relay', () => {
    expect(replaces(path('relay', 900), path('direct', 5, 1312))).toBe(true);
    expect(replaces(path('relay', 900), path('direct', 5, 1472))).toBe(false);
  });

  it('never while that would replace it back, and never itself', () => {
    const any = fc.record({
      kind: fc.constantFrom('lan' as const, 'direct' as const, 'relay' as const),
      rtt: fc.double({ min: 0, max: 2000, noNaN: true }).map(milliseconds),
      losesBytes: fc.constantFrom(undefined, 1232, 1312, 1472),
    });
    fc.assert(
      fc.property(any, any, (a, b) => {
        expect(replaces(a, b) && replaces(b, a)).toBe(false);
        expect(replaces(a, a)).toBe(false);
      }),
    );
  });
});

describe('a score', () => {
  it('says what it is made of', () => {
    expect(scorePath(path('direct', 20.04))).toEqual({ score: 20.04, reasons: ['20 ms there and back'] });
    expect(scorePath(path('lan', 10))).toEqual({ score: 5, reasons: ['inside the LAN', '10 ms there and back'] });
    expect(scorePath(path('relay', 20, 1312)).reasons).toEqual([
      'datagrams of 1312 bytes get lost',
      'by a relay',
      '20 ms there and back',
    ]);
  });
});
