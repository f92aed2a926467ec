// The channel numbers of a relay: each client has one, which stays its own when it comes again, so that what peers have
// learnt holds. Only when all are given away, the one that is out of use for longest goes to somebody else.

import { MAX_CHANNEL } from '../constants.js';

export class ChannelDirectory {
  /** In the order of last arrival, the oldest first. */
  readonly #channels = new Map<string, number>();

  constructor(
    private readonly isInUse: (channel: number) => boolean,
    private readonly capacity = MAX_CHANNEL,
  ) {}

  /** The number of a client that arrives; undefined if all are in use. */
  take(identity: string): number | undefined {
    const channel = this.#channels.get(identity) ?? this.#free();
    if (channel === undefined) return undefined;
    this.#channels.delete(identity);
    this.#channels.set(identity, channel);
    return channel;
  }

  #free(): number | undefined {
    if (this.#channels.size < this.capacity) return this.#channels.size + 1;
    for (const [identity, channel] of this.#channels) {
      if (this.isInUse(channel)) continue;
      this.#channels.delete(identity);
      return channel;
    }
    return undefined;
  }
}
