// Waiting in poll(2) for one of a few descriptors, from a worker thread that has nothing else to do.
//
//   struct pollfd { int fd; short events; short revents; }

import { processArena } from './arena.js';
import type { Descriptor } from './libc.js';
import { packetCalls } from './packet-calls.js';

const POLLFD_BYTES = 8;
const POLLIN = 0x1;
const POLLOUT = 0x4;

export class PollSet {
  readonly #fields: DataView;
  readonly #address: number;
  readonly #poll = packetCalls().poll;

  /** At most 31 descriptors, which are told apart by their place. */
  constructor(readonly descriptors: readonly Descriptor[]) {
    const block = processArena().allocate(Math.max(1, descriptors.length) * POLLFD_BYTES);
    this.#fields = new DataView(block.bytes.buffer, block.bytes.byteOffset, block.bytes.length);
    this.#address = block.address;
    descriptors.forEach((descriptor, place) => this.set(place, descriptor));
  }

  /** Puts another descriptor in a place. */
  set(place: number, descriptor: Descriptor): void {
    this.#fields.setInt32(place * POLLFD_BYTES, descriptor, true);
    this.#fields.setInt16(place * POLLFD_BYTES + 4, POLLIN, true);
  }

  /** Bit n is set if the descriptor in place n can be read or has an error; 0 after `timeout` ms or an interruption. */
  waitReadable(timeout: number): number {
    if (this.#poll(this.#address, this.descriptors.length, timeout) <= 0) return 0;
    let ready = 0;
    for (let place = 0; place < this.descriptors.length; place++) {
      if (this.#fields.getInt16(place * POLLFD_BYTES + 6, true) !== 0) ready |= 1 << place;
    }
    return ready;
  }

  /** Waits until the descriptor in `place` alone can be written, or has an error; false after `timeout` ms. */
  waitWritable(place: number, timeout: number): boolean {
    this.#fields.setInt16(place * POLLFD_BYTES + 4, POLLOUT, true);
    const count = this.#poll(this.#address + place * POLLFD_BYTES, 1, timeout);
    this.#fields.setInt16(place * POLLFD_BYTES + 4, POLLIN, true);
    return count > 0;
  }
}
