// Sliding window over rising 64-bit counters (RFC 6479's idea): each counter is taken once, late ones only if not too old.

import { REPLAY_WINDOW } from './path-constants.js';

const WORDS = REPLAY_WINDOW / 32;

export class CounterWindow {
  #highest = -1n;
  /** One bit per counter in (highest − 1,024, highest], at its remainder by 1,024. */
  readonly #seen = new Uint32Array(WORDS);

  /** Call after authentication. True if `counter` is new, which it then no longer is; false if seen before or too old. */
  accept(counter: bigint): boolean {
    // A number is exact for all distances that matter: larger ones need only be recognised as such.
    const ahead = Number(counter - this.#highest);
    if (ahead > 0) this.#advance(ahead);
    else if (-ahead >= REPLAY_WINDOW) return false;
    if (ahead > 0) this.#highest = counter;
    const bit = bitOf(counter);
    const mask = 1 << (bit % 32);
    if ((this.#seen[bit >> 5]! & mask) !== 0) return false;
    this.#seen[bit >> 5]! |= mask;
    return true;
  }

  /** Clears the bits of the counters that were skipped, which now stand for new ones. */
  #advance(count: number): void {
    if (count >= REPLAY_WINDOW) {
      this.#seen.fill(0);
      return;
    }
    const before = this.#highest < 0n ? REPLAY_WINDOW - 1 : bitOf(this.#highest);
    for (let skipped = 1; skipped <= count; skipped++) {
      const bit = (before + skipped) % REPLAY_WINDOW;
      this.#seen[bit >> 5]! &= ~(1 << (bit % 32));
    }
  }
}

function bitOf(counter: bigint): number {
  return Number(BigInt.asUintN(WINDOW_BITS, counter));
}

/** REPLAY_WINDOW is 2 to the power of it. */
const WINDOW_BITS = Math.log2(REPLAY_WINDOW);
