// A relay as its users see it: datagrams by public key, after some time, to whoever is connected. It is reached over TCP where
// UDP is blocked, so no gateway is in its way. The frames and proofs of the real one are those of libs/relay.

import { addDuration, milliseconds } from '@shadownet/primitives';
import type { SeededRandom } from './seeded-random.js';
import type { LinkQuality, SimulatedCore, SimulatedNetwork } from './simulated-network.js';

export type RelayHandler = (datagram: Uint8Array, from: string) => void;

interface RelayUser {
  readonly handler: RelayHandler;
  readonly owner: SimulatedCore | undefined;
}

export class SimulatedRelay {
  readonly #network: SimulatedNetwork;
  readonly #random: SeededRandom;
  readonly #users = new Map<string, RelayUser>();
  /** Of a datagram from one user to another. */
  quality: LinkQuality;
  /** False: it forwards nothing. */
  isUp = true;
  /** Datagrams and bytes that it took in. */
  readonly counters = { datagrams: 0, bytes: 0 };

  constructor(network: SimulatedNetwork, random: SeededRandom, quality: LinkQuality) {
    this.#network = network;
    this.#random = random;
    this.quality = quality;
  }

  /** `key` is the text of the user's public key. `owner` is rescheduled after each datagram. */
  connect(key: string, handler: RelayHandler, owner?: SimulatedCore): void {
    this.#users.set(key, { handler, owner });
  }

  disconnect(key: string): void {
    this.#users.delete(key);
  }

  /** Copies the datagram and sends it. Who is not connected neither sends nor receives. */
  send(from: string, to: string, datagram: Uint8Array): void {
    if (!this.isUp || !this.#users.has(from)) return;
    this.counters.datagrams += 1;
    this.counters.bytes += datagram.length;
    const { delay, loss } = this.quality;
    if (this.#random.fraction() < loss) return;
    const wait = milliseconds(delay[0] + (delay[1] - delay[0]) * this.#random.fraction());
    const copy = Uint8Array.from(datagram);
    this.#network.at(addDuration(this.#network.now, wait), () => {
      const user = this.isUp ? this.#users.get(to) : undefined;
      if (!user) return;
      user.handler(copy, from);
      if (user.owner) this.#network.reschedule(user.owner);
    });
  }
}
