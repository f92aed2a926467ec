import { milliseconds, parseEndpoint } from '@shadownet/primitives';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { betterPath, type ConfirmedPath } from './better-path.js';
import type { Candidate } from './candidate.js';

const path = (rtt: number, endpoint: string, kind: Candidate['kind']): ConfirmedPath => ({
  candidate: { kind, endpoint: parseEndpoint(endpoint)! },
  rtt: milliseconds(rtt),
});
const internet = (rtt: number) => path(rtt, '203.0.113.1:51820', 'server-reflexive');
const lan = (rtt: number) => path(rtt, '192.168.1.2:51820', 'host');

describe('betterPath', () => {
  it.each([
    [32, 40, true],
    [33, 40, false],
    [90, 100, false],
    [1, 3, true],
    [3, 4, false],
    [40, 32, false],
    [40, 40, false],
  ])('%d ms replaces %d ms: %s', (a, b, better) => {
    expect(betterPath(internet(a), internet(b))).toBe(better);
  });

  it('prefers the LAN unless the other is clearly faster', () => {
    expect(betterPath(lan(4), internet(3))).toBe(true);
    expect(betterPath(internet(3), lan(4))).toBe(false);
    expect(betterPath(internet(10), lan(40))).toBe(true);
  });

  it('takes no private address of a STUN server for a LAN', () => {
    expect(betterPath(path(4, '10.0.0.1:9', 'server-reflexive'), internet(4))).toBe(false);
  });

  it('never finds each of two paths better than the other, nor a path better than itself', () => {
    const any = fc
      .tuple(fc.double({ min: 0, max: 500, noNaN: true }), fc.constantFrom(lan, internet))
      .map(([rtt, where]) => where(rtt));
    fc.assert(
      fc.property(any, any, (a, b) => {
        expect(betterPath(a, b) && betterPath(b, a)).toBe(false);
        expect(betterPath(a, a)).toBe(false);
      }),
    );
  });
});
