// The sliding window that accepts each counter once (RFC 6479), on memory that it does not own: a cell with the greatest
// counter and a ring of words, one bit per counter. Advancing clears whole words and never shifts, so the ring has more bits
// than the window. One thread at a time may accept (concurrency rule 5).

import { REJECT_AFTER_MESSAGES, REPLAY_WINDOW_COUNTERS, REPLAY_WINDOW_WORDS } from '../constants.js';

const WINDOW = BigInt(REPLAY_WINDOW_COUNTERS);
const RING = BigInt(REPLAY_WINDOW_WORDS);
const RING_MASK = REPLAY_WINDOW_WORDS - 1;

export class ReplayWindow {
  readonly #greatest: BigUint64Array;
  readonly #ring: Uint32Array;

  /** `greatest` is one cell, `ring` REPLAY_WINDOW_WORDS words. All zero is the window of a new session. */
  constructor(greatest: BigUint64Array, ring: Uint32Array) {
    this.#greatest = greatest;
    this.#ring = ring;
  }

  /** A look before the costly decryption: false if the counter can not be accepted, now or later. Changes nothing. */
  mayAccept(counter: bigint): boolean {
    if (counter >= REJECT_AFTER_MESSAGES) return false;
    const greatest = this.#greatest[0]!;
    if (counter > greatest) return true;
    return greatest - counter <= WINDOW && !this.#isMarked(counter);
  }

  /** Marks the counter of an authenticated message; false if it is a replay, too old, or beyond the last valid one. */
  accept(counter: bigint): boolean {
    if (!this.mayAccept(counter)) return false;
    const greatest = this.#greatest[0]!;
    if (counter > greatest) {
      this.#clearBetween(greatest >> 5n, counter >> 5n);
      this.#greatest[0] = counter;
    }
    const low = lowBits(counter);
    this.#ring[(low >>> 5) & RING_MASK]! |= 1 << (low & 31);
    return true;
  }

  #isMarked(counter: bigint): boolean {
    const low = lowBits(counter);
    return (this.#ring[(low >>> 5) & RING_MASK]! & (1 << (low & 31))) !== 0;
  }

  /** Clears the words behind `from` up to and including `to`, which may lie rounds of the ring apart. */
  #clearBetween(from: bigint, to: bigint): void {
    const count = to - from < RING ? Number(to - from) : REPLAY_WINDOW_WORDS;
    const start = lowBits(from) & RING_MASK;
    for (let i = 1; i <= count; i++) this.#ring[(start + i) & RING_MASK] = 0;
  }
}

/** The low 32 bits, which are all that places a counter in the ring. */
function lowBits(value: bigint): number {
  return Number(BigInt.asUintN(32, value));
}
