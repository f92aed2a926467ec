// CLOCK_MONOTONIC (clock_gettime(2)), which process.hrtime reads as well. That goes through a BigInt and a good deal of Node's
// own code; a thread that has just been woken finds none of it in the caches, and pays 5 µs more. Used by libs/dataplane.

import { processArena } from './arena.js';
import { koffi } from './koffi-loader.js';
import { requirePacketMachine } from './machine.js';

const CLOCK_MONOTONIC = 1;
const TIMESPEC_BYTES = 16;
const NANOSECONDS = 8;

type ClockGettime = (clock: number, address: number) => number;

/** One for each thread. Throws NativeError 'native-unavailable' where the layout of struct timespec is not known. */
export class MonotonicClock {
  readonly #address: number;
  readonly #fields: DataView;
  readonly #read: ClockGettime;

  constructor() {
    requirePacketMachine();
    const { bytes, address } = processArena().allocate(TIMESPEC_BYTES);
    this.#address = address;
    this.#fields = new DataView(bytes.buffer, bytes.byteOffset, TIMESPEC_BYTES);
    this.#read = koffi().load(null).func('clock_gettime', 'int', ['int', 'int64_t']) as ClockGettime;
  }

  /** Milliseconds, with fractions. */
  now(): number {
    this.#read(CLOCK_MONOTONIC, this.#address);
    // struct timespec { int64_t seconds; int64_t nanoseconds; }; 32 bits of seconds are 136 years of running.
    return this.#fields.getUint32(0, true) * 1e3 + this.#fields.getUint32(NANOSECONDS, true) / 1e6;
  }
}
