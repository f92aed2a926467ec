// Datagrams for peers that cannot be reached at their relay at this moment: while it is connected to, and until the peer is there,
// which is a matter of round trips when both have just come up. Bounded in number and time. Used by node-relays.ts.

import {
  addDuration,
  type Duration,
  encodePublicKey,
  type Instant,
  type RelayPath,
  seconds,
} from '@shadownet/primitives';

/** A handshake message, probes, and what an impatient program sends meanwhile. */
const MAX_PER_PEER = 32;
const MAX_PEERS = 256;
export const HOLD_TIME: Duration = seconds(2);

interface Held {
  readonly path: RelayPath;
  readonly bytes: Uint8Array;
  readonly until: Instant;
}

export class HeldDatagrams {
  /** By the peer's key. */
  readonly #byPeer = new Map<string, Held[]>();

  get isEmpty(): boolean {
    return this.#byPeer.size === 0;
  }

  /** Copies the bytes. Of what is there too many, the oldest goes. False if there is no room for another peer. */
  hold(path: RelayPath, bytes: Uint8Array, now: Instant): boolean {
    const key = encodePublicKey(path.peer);
    let held = this.#byPeer.get(key);
    if (!held) {
      if (this.#byPeer.size >= MAX_PEERS) return false;
      this.#byPeer.set(key, (held = []));
    }
    if (held.length >= MAX_PER_PEER) held.shift();
    held.push({ path, bytes: bytes.slice(), until: addDuration(now, HOLD_TIME) });
    return true;
  }

  /** Tries each again, those of a peer in order and until one cannot leave. Those whose time is over are forgotten. */
  retry(send: (path: RelayPath, bytes: Uint8Array) => boolean, now: Instant): void {
    for (const [key, all] of this.#byPeer) {
      const held = all.filter(({ until }) => now < until);
      while (held[0] && send(held[0].path, held[0].bytes)) held.shift();
      if (held.length === 0) this.#byPeer.delete(key);
      else this.#byPeer.set(key, held);
    }
  }

  clear(): void {
    this.#byPeer.clear();
  }
}
