// At which relay each peer is to be reached: its home, as the network map names it; where it was heard last, which may be known
// earlier; or our own home, where it may have gone too when its home failed. Pure. Used by node-relays.ts.

import type { RelayId, RelayStatus } from '@shadownet/relay';

interface PeerEntry {
  home: RelayId | undefined;
  heardAt: RelayId | undefined;
  current: RelayId | undefined;
}

export class PeerRelays {
  /** By the peer's key as text. */
  readonly #peers = new Map<string, PeerEntry>();

  /** All peers of the map, by key, with their homes. */
  setHomes(homes: ReadonlyMap<string, RelayId | undefined>): void {
    for (const key of this.#peers.keys()) if (!homes.has(key)) this.#peers.delete(key);
    for (const [key, home] of homes) {
      const peer = this.#peers.get(key);
      if (!peer) this.#peers.set(key, { home, heardAt: undefined, current: undefined });
      else if (peer.home !== home) {
        peer.home = home;
        // What the map says is newer than what was heard before.
        peer.heardAt = undefined;
      }
    }
  }

  /** True if that is news. Nobody is heard of who is not in the map. */
  heard(key: string, relay: RelayId): boolean {
    const peer = this.#peers.get(key);
    if (!peer || peer.heardAt === relay) return false;
    peer.heardAt = relay;
    return true;
  }

  /** The peers whose relay is another one than at the last call. A relay without `health` does not exist (any more). */
  choose(
    health: (relay: RelayId) => RelayStatus['health'] | undefined,
    ownHome: RelayId | undefined,
  ): Map<string, RelayId | undefined> {
    const changes = new Map<string, RelayId | undefined>();
    for (const [key, peer] of this.#peers) {
      const isFindable = peer.home !== undefined || peer.heardAt !== undefined;
      const known = isFindable ? [peer.home, peer.heardAt, ownHome] : [];
      const existing = known.filter((relay) => relay !== undefined && health(relay) !== undefined) as RelayId[];
      const next = existing.find((relay) => health(relay) !== 'failed') ?? existing[0];
      if (next === peer.current) continue;
      peer.current = next;
      changes.set(key, next);
    }
    return changes;
  }
}
