// TAI64N timestamps (https://cr.yp.to/libtai/tai64.html): 12 bytes, big-endian seconds since 1970 TAI with bit 62 set, then
// nanoseconds, so that later means greater byte by byte. They make an initiation impossible to replay (whitepaper §5.1),
// provided that a sender never goes back, neither when its clock does nor when it restarts.

import { TIMESTAMP_LENGTH } from '../constants.js';

const NANOSECONDS_PER_SECOND = 1_000_000_000n;
/** 2^62, and the 10 s by which TAI was ahead of UTC in 1970; leap seconds since then are left out, as everybody does. */
const TAI64_EPOCH = (1n << 62n) + 10n;
/** One reservation covers so much time ahead: at most one write to disk a minute. */
const RESERVE_AHEAD = 60n * NANOSECONDS_PER_SECOND;
/** While the clock is behind the last timestamp they rise by 1 ns each, so that this covers a million of them. */
const RESERVE_WHILE_BEHIND = 1_000_000n;

/**
 * The clock is told in steps of 2^24 ns, 17 ms, as other implementations do: peers get no finer view of when what happens here than
 * the order of our initiations needs.
 */
const WHITENING = 1n << 24n;

/** Where a device has the timestamps of its initiations from. */
export interface TimestampSource {
  /** 12 bytes greater than all that the device's key ever sent. */
  next(): Uint8Array;
}

export interface Tai64nOptions {
  /** The wall clock: nanoseconds since the Unix epoch. May jump. */
  readonly wallNanoseconds: () => bigint;
  /** The number last given to `reserve` by an earlier run of this identity, 0n at first. */
  readonly lastReserved: bigint;
  /** Must have stored the number when it returns; if it throws, no timestamp is issued. */
  readonly reserve: (untilNanoseconds: bigint) => void;
}

/** Strictly increasing timestamps of one identity. */
export class Tai64nSource implements TimestampSource {
  readonly #options: Tai64nOptions;
  #last: bigint;
  #reserved: bigint;

  constructor(options: Tai64nOptions) {
    this.#options = options;
    this.#last = options.lastReserved;
    this.#reserved = options.lastReserved;
  }

  next(): Uint8Array {
    const now = this.#options.wallNanoseconds();
    const wall = now - (now % WHITENING);
    const timestamp = wall > this.#last ? wall : this.#last + 1n;
    if (timestamp > this.#reserved) {
      // Measured from the clock, not from the last timestamp: a program that restarts in a loop must not run into the future.
      const fromClock = wall + RESERVE_AHEAD;
      const until = fromClock > timestamp ? fromClock : timestamp + RESERVE_WHILE_BEHIND;
      this.#options.reserve(until);
      this.#reserved = until;
    }
    this.#last = timestamp;
    return encodeTai64n(timestamp);
  }
}

/** The 12-byte label of a time in nanoseconds since the Unix epoch. */
export function encodeTai64n(unixNanoseconds: bigint): Uint8Array {
  const label = new Uint8Array(TIMESTAMP_LENGTH);
  const view = new DataView(label.buffer);
  view.setBigUint64(0, TAI64_EPOCH + unixNanoseconds / NANOSECONDS_PER_SECOND);
  view.setUint32(8, Number(unixNanoseconds % NANOSECONDS_PER_SECOND));
  return label;
}

/** True if `a` is later than `b`. */
export function isLaterTai64n(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < TIMESTAMP_LENGTH; i++) if (a[i] !== b[i]) return a[i]! > b[i]!;
  return false;
}
