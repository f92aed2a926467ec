import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CounterWindow } from './counter-window.js';
import { REPLAY_WINDOW } from './path-constants.js';

/** The same in one line of memory per counter. */
class NaiveWindow {
  readonly #taken = new Set<bigint>();
  #highest = -1n;

  accept(counter: bigint): boolean {
    if (this.#taken.has(counter) || counter <= this.#highest - BigInt(REPLAY_WINDOW)) return false;
    this.#taken.add(counter);
    if (counter > this.#highest) this.#highest = counter;
    return true;
  }
}

describe('CounterWindow', () => {
  it('decides as a set of all counters would', () => {
    const step = fc.oneof(
      fc.integer({ min: -3, max: 3 }),
      fc.integer({ min: -1100, max: 1100 }),
      fc.constantFrom(-1023, -1024, -1025, 1023, 1024, 1025, 5000),
    );
    const start = fc.bigInt({ min: 0n, max: 2n ** 63n });
    fc.assert(
      fc.property(start, fc.array(step, { maxLength: 200, size: 'max' }), (start, steps) => {
        const window = new CounterWindow();
        const naive = new NaiveWindow();
        let counter = start;
        for (const step of steps) {
          counter += BigInt(step);
          if (counter < 0n) counter = 0n;
          expect(window.accept(counter)).toBe(naive.accept(counter));
        }
      }),
    );
  });

  it('takes the first counter and the last there is, each once', () => {
    const window = new CounterWindow();
    expect([window.accept(0n), window.accept(0n)]).toEqual([true, false]);
    expect([window.accept(2n ** 64n - 1n), window.accept(2n ** 64n - 1n)]).toEqual([true, false]);
  });
});
