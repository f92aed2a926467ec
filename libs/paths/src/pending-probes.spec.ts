import { instant, parseEndpoint, udpPath } from '@shadownet/primitives';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_LIMITED_DESTINATIONS, MAX_PENDING_PROBES, MIN_PROBE_GAP } from './path-constants.js';
import { DestinationLimiter } from './destination-limiter.js';
import { PendingProbes } from './pending-probes.js';

const path = (n: number) => udpPath(parseEndpoint(`203.0.${n >> 8}.${n & 255}:51820`)!);
const id = (n: number) => Uint8Array.of(n >> 8, n & 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
const probe = (sentAt: number) => ({
  path: path(1),
  sentAt: instant(sentAt),
  bytes: 120,
  isGuess: false,
  isPing: false,
});

describe('PendingProbes', () => {
  it('holds at most 512, and forgets the oldest', () => {
    const pending = new PendingProbes();
    for (let n = 0; n < 2000; n++) pending.add(id(n), probe(0));
    expect(pending.size).toBe(MAX_PENDING_PROBES);
    expect(pending.answer(id(0), path(1), instant(1)).ok).toBe(false);
    expect(pending.answer(id(1999), path(1), instant(1))).toEqual({ ok: true, probe: probe(0), rtt: 1 });
  });

  it('forgets what is older than 5 s', () => {
    const pending = new PendingProbes();
    pending.add(id(1), probe(0));
    pending.add(id(2), probe(4000));
    pending.add(id(3), probe(5001));
    expect(pending.size).toBe(2);
  });
});

describe('DestinationLimiter', () => {
  it('admits a destination again after 200 ms, and others meanwhile', () => {
    const limiter = new DestinationLimiter();
    expect(limiter.admit(path(1), instant(0))).toBe(true);
    expect(limiter.admit(path(1), instant(MIN_PROBE_GAP - 1))).toBe(false);
    expect(limiter.admit(path(2), instant(MIN_PROBE_GAP - 1))).toBe(true);
    expect(limiter.admit(path(1), instant(MIN_PROBE_GAP))).toBe(true);
  });

  it('decides as a list of all times would', () => {
    const step = fc.record({ destination: fc.nat(5), wait: fc.nat(MIN_PROBE_GAP / 2) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100, size: 'max' }), (steps) => {
        const limiter = new DestinationLimiter();
        const admitted = new Map<number, number>();
        let now = 0;
        for (const { destination, wait } of steps) {
          now += wait;
          const isDue = now - (admitted.get(destination) ?? -Infinity) >= MIN_PROBE_GAP;
          expect(limiter.admit(path(destination), instant(now))).toBe(isDue);
          if (isDue) admitted.set(destination, now);
        }
      }),
    );
  });

  it('remembers the latest 2,048 destinations, and at most twice as many', () => {
    const limiter = new DestinationLimiter();
    for (let n = 0; n <= 2 * MAX_LIMITED_DESTINATIONS; n++) limiter.admit(path(n), instant(0));
    expect(limiter.admit(path(MAX_LIMITED_DESTINATIONS + 1), instant(1))).toBe(false);
    expect(limiter.admit(path(0), instant(1))).toBe(true);
  });
});
