import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { REPLAY_WINDOW_COUNTERS, REPLAY_WINDOW_WORDS, ReplayWindow } from './replay-window.js';

const W = BigInt(REPLAY_WINDOW_COUNTERS);
/** WireGuard's (whitepaper §6.1). */
const LIMIT = (1n << 64n) - (1n << 13n) - 1n;

function newWindow(): ReplayWindow {
  return new ReplayWindow(new BigUint64Array(1), new Uint32Array(REPLAY_WINDOW_WORDS), LIMIT);
}

/** What the window is meant to be, with all the memory in the world. */
class NaiveWindow {
  readonly #seen = new Set<bigint>();
  #greatest = 0n;

  accept(counter: bigint): boolean {
    if (counter >= LIMIT || this.#seen.has(counter) || this.#greatest - counter > W) return false;
    this.#seen.add(counter);
    if (counter > this.#greatest) this.#greatest = counter;
    return true;
  }
}

describe('the replay window', () => {
  it('accepts each counter once, in any order', () => {
    const window = newWindow();
    for (const counter of [0n, 5n, 3n, 4n]) expect(window.accept(counter)).toBe(true);
    for (const counter of [0n, 5n, 3n, 4n]) expect(window.accept(counter)).toBe(false);
    expect(window.accept(1n)).toBe(true);
  });

  it('accepts what is as late as the window is wide, and nothing later', () => {
    const window = newWindow();
    expect(window.accept(W + 1n)).toBe(true);
    expect(window.accept(0n)).toBe(false);
    expect(window.accept(1n)).toBe(true);
  });

  it('remembers the counters around a jump over the whole ring', () => {
    const window = newWindow();
    window.accept(7n);
    expect(window.accept(7n + 8192n * 3n)).toBe(true);
    expect(window.accept(7n + 8192n * 3n - W)).toBe(true);
    expect(window.accept(7n + 8192n * 2n)).toBe(false);
  });

  it('ends where counters end', () => {
    const window = newWindow();
    expect(window.accept(LIMIT)).toBe(false);
    expect(window.accept(LIMIT - 1n)).toBe(true);
    expect(window.accept(LIMIT - 2n)).toBe(true);
    expect(window.accept((1n << 64n) - 1n)).toBe(false);
  });

  it('changes nothing by looking', () => {
    const window = newWindow();
    expect(window.mayAccept(9n)).toBe(true);
    expect(window.mayAccept(9n)).toBe(true);
    expect(window.accept(9n)).toBe(true);
    expect(window.mayAccept(9n)).toBe(false);
  });

  it('equals a set without bounds on random traffic', () => {
    const near = fc.bigInt({ min: -9000n, max: 200n });
    const jump = fc.bigInt({ min: 0n, max: 40_000n });
    const farAway = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
    const step = fc.oneof(
      { weight: 20, arbitrary: near.map((delta) => ({ kind: 'near', delta }) as const) },
      { weight: 3, arbitrary: jump.map((delta) => ({ kind: 'near', delta }) as const) },
      { weight: 1, arbitrary: farAway.map((delta) => ({ kind: 'far', delta }) as const) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const window = newWindow();
        const inParts = newWindow();
        const naive = new NaiveWindow();
        let around = 0n;
        for (const { kind, delta } of steps) {
          const counter = kind === 'far' ? delta : BigInt.asUintN(64, around + delta < 0n ? 0n : around + delta);
          const expected = naive.accept(counter);
          expect(window.mayAccept(counter)).toBe(expected);
          expect(window.accept(counter)).toBe(expected);
          const [high, low] = [Number(counter >> 32n), Number(BigInt.asUintN(32, counter))];
          expect(inParts.mayAcceptParts(high, low)).toBe(expected);
          expect(inParts.acceptParts(high, low)).toBe(expected);
          if (expected && counter > around) around = counter;
        }
      }),
      { numRuns: 200 },
    );
  });
});
