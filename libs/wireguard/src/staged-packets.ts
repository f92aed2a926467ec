// Packets that wait for a session or a path (whitepaper §6.1): bounded, the oldest goes first.

import { MAX_STAGED_PACKETS } from './constants.js';

export class StagedPackets {
  #packets: Uint8Array[] = [];

  get size(): number {
    return this.#packets.length;
  }

  /** Keeps a copy. False if the oldest had to go for it. */
  add(packet: Uint8Array): boolean {
    const hadRoom = this.#packets.length < MAX_STAGED_PACKETS;
    if (!hadRoom) this.#packets.shift();
    this.#packets.push(Uint8Array.from(packet));
    return hadRoom;
  }

  /** The oldest, which stays. */
  peek(): Uint8Array | undefined {
    return this.#packets[0];
  }

  removeOldest(): void {
    this.#packets.shift();
  }

  /** Forgets all and says how many there were. */
  clear(): number {
    const count = this.#packets.length;
    this.#packets = [];
    return count;
  }
}
