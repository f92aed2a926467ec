// Sliding window over rising 64-bit counters (RFC 6479's idea): each counter is taken once, late ones only if not too old.

import { REPLAY_WINDOW } from './path-constants.js';

const WORDS = REPLAY_WINDOW / 32;

export class CounterWindow {
  #highest = -1n;
  /** One bit per counter in (highest − 1,024, highest], at its remainder by 1,024. */
  readonly #seen = new Uint32Array(WORDS);

  /** Call after authentication. True if `counter` is new, which it then no longer is; false if seen before or too old. */
  accept(counter: bigint): boolean {
    if (counter > this.#highest) this.#advanceTo(counter);
    else if (this.#highest - counter >= BigInt(REPLAY_WINDOW)) return false;
    const bit = Number(counter % BigInt(REPLAY_WINDOW));
    const mask = 1 << (bit % 32);
    if ((this.#seen[bit >> 5]! & mask) !== 0) return false;
    this.#seen[bit >> 5]! |= mask;
    return true;
  }

  /** Clears the bits of the counters that were skipped, which now stand for new ones. */
  #advanceTo(counter: bigint): void {
    if (counter - this.#highest >= BigInt(REPLAY_WINDOW)) this.#seen.fill(0);
    else {
      for (let skipped = this.#highest + 1n; skipped <= counter; skipped++) {
        const bit = Number(skipped % BigInt(REPLAY_WINDOW));
        this.#seen[bit >> 5]! &= ~(1 << (bit % 32));
      }
    }
    this.#highest = counter;
  }
}
