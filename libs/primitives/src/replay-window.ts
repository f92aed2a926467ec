// The sliding window that accepts each counter once (RFC 6479), on memory that it does not own: a cell with the greatest
// counter and a ring of words, one bit per counter. Advancing clears whole words and never shifts, so the ring has more bits
// than the window. One thread at a time may accept (concurrency rule 5). Used by WireGuard sessions and relay sessions.

/** Counters that may arrive late, as in the Linux kernel: a ring of 8,192 bits less one 64-bit word. */
export const REPLAY_WINDOW_COUNTERS = 8128;
export const REPLAY_WINDOW_WORDS = 256;

const WINDOW = BigInt(REPLAY_WINDOW_COUNTERS);
const RING = BigInt(REPLAY_WINDOW_WORDS);
const RING_MASK = REPLAY_WINDOW_WORDS - 1;
/** Numbers of ring words, of which a counter's low half has so many. */
const WORD_MASK = 0x07ff_ffff;
const [LOW, HIGH] = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? [0, 1] : [1, 0];

export class ReplayWindow {
  readonly #greatest: BigUint64Array;
  readonly #greatestParts: Uint32Array;
  readonly #ring: Uint32Array;
  readonly #limit: bigint;
  readonly #limitHigh: number;
  readonly #limitLow: number;

  /**
   * `greatest` is one cell, `ring` REPLAY_WINDOW_WORDS words. All zero is the window of a new session. Counters from `limit` on
   * are not valid.
   */
  constructor(greatest: BigUint64Array, ring: Uint32Array, limit: bigint) {
    this.#limit = limit;
    this.#limitHigh = Number(limit >> 32n);
    this.#limitLow = Number(BigInt.asUintN(32, limit));
    this.#greatest = greatest;
    this.#greatestParts = new Uint32Array(greatest.buffer, greatest.byteOffset, 2);
    this.#ring = ring;
  }

  /** A look before the costly decryption: false if the counter can not be accepted, now or later. Changes nothing. */
  mayAccept(counter: bigint): boolean {
    if (counter >= this.#limit) return false;
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

  /** `mayAccept` without a BigInt: the counter's high and low 32 bits. */
  mayAcceptParts(high: number, low: number): boolean {
    const greatestHigh = this.#greatestParts[HIGH]!;
    const greatestLow = this.#greatestParts[LOW]!;
    if (high >= this.#limitHigh && this.#isBeyondLimit(high, low)) return false;
    const behind = (greatestHigh - high) * 0x1_0000_0000 + (greatestLow - low);
    if (behind < 0) return true;
    return behind <= REPLAY_WINDOW_COUNTERS && (this.#ring[(low >>> 5) & RING_MASK]! & (1 << (low & 31))) === 0;
  }

  /** `accept` without a BigInt. */
  acceptParts(high: number, low: number): boolean {
    if (!this.mayAcceptParts(high, low)) return false;
    const greatestHigh = this.#greatestParts[HIGH]!;
    const greatestLow = this.#greatestParts[LOW]!;
    const ahead = (high - greatestHigh) * 0x1_0000_0000 + (low - greatestLow);
    if (ahead > 0) {
      const from = greatestLow >>> 5;
      // Words between the two, whatever the carry; more than a round clears all.
      const words = ahead >= REPLAY_WINDOW_WORDS * 32 ? REPLAY_WINDOW_WORDS : ((low >>> 5) - from) & WORD_MASK;
      for (let i = 1; i <= Math.min(words, REPLAY_WINDOW_WORDS); i++) this.#ring[(from + i) & RING_MASK] = 0;
      this.#greatestParts[LOW] = low;
      this.#greatestParts[HIGH] = high;
    }
    this.#ring[(low >>> 5) & RING_MASK]! |= 1 << (low & 31);
    return true;
  }

  #isBeyondLimit(high: number, low: number): boolean {
    return high > this.#limitHigh || low >= this.#limitLow;
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
