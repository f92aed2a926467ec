import { encodeHex } from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';
import { encodeTai64n, isLaterTai64n, Tai64nSource } from './timestamp.js';

const SECOND = 1_000_000_000n;

/** A clock and a disk. */
class Machine {
  wall = 1_700_000_000n * SECOND;
  stored = 0n;
  writes = 0;

  start(): Tai64nSource {
    return new Tai64nSource({
      wallNanoseconds: () => this.wall,
      lastReserved: this.stored,
      reserve: (until) => {
        this.stored = until;
        this.writes++;
      },
    });
  }
}

describe('TAI64N', () => {
  it('labels a time as the specification does', () => {
    // The label of 2^62 + 10 seconds is 1970-01-01 00:00:00 UTC, which was 00:00:10 TAI.
    expect(encodeHex(encodeTai64n(0n))).toBe('400000000000000a00000000');
    expect(encodeHex(encodeTai64n(1_700_000_000n * SECOND + 0x05000000n))).toBe('400000006553f10a05000000');
  });

  it('orders labels as times', () => {
    const [earlier, later] = [encodeTai64n(255n * SECOND + 999_999_999n), encodeTai64n(256n * SECOND)];
    expect(isLaterTai64n(later, earlier)).toBe(true);
    expect(isLaterTai64n(earlier, later)).toBe(false);
    expect(isLaterTai64n(later, later)).toBe(false);
  });

  it('rises even when the clock stands still or goes back', () => {
    const machine = new Machine();
    const source = machine.start();
    let last = source.next();
    for (const step of [0n, 0n, -3600n * SECOND, 1n, 0n, 7200n * SECOND]) {
      machine.wall += step;
      const next = source.next();
      expect(isLaterTai64n(next, last)).toBe(true);
      last = next;
    }
  });

  it('tells the clock in steps of 17 ms, as all WireGuards do', () => {
    const machine = new Machine();
    machine.wall = 0x65_0000_0000n * 0x100_0000n + 123_456n;
    expect(machine.start().next()).toEqual(encodeTai64n(0x65_0000_0000n * 0x100_0000n));
  });

  it('rises across restarts, also when the clock was set back in between', () => {
    const machine = new Machine();
    let last = machine.start().next();
    for (const step of [0n, 1n, -86_400n * SECOND, 0n, 60n * SECOND]) {
      machine.wall += step;
      const source = machine.start();
      for (let i = 0; i < 3; i++) {
        const next = source.next();
        expect(isLaterTai64n(next, last)).toBe(true);
        last = next;
      }
    }
  });

  it('stores at most once a minute', () => {
    const machine = new Machine();
    const source = machine.start();
    for (let i = 0; i < 120; i++) {
      source.next();
      machine.wall += SECOND;
    }
    expect(machine.writes).toBe(2);
  });

  it('stays within a minute or two of the clock when the program restarts in a loop', () => {
    const machine = new Machine();
    for (let i = 0; i < 1000; i++) machine.start().next();
    expect(machine.stored - machine.wall).toBeLessThan(120n * SECOND);
  });

  it('issues nothing that could not be stored', () => {
    const source = new Tai64nSource({
      wallNanoseconds: () => SECOND,
      lastReserved: 0n,
      reserve: () => {
        throw new Error('disk full');
      },
    });
    expect(() => source.next()).toThrow('disk full');
    expect(() => source.next()).toThrow('disk full');
  });
});
