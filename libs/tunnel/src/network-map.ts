// The network map as versions of it arrive: which one is newer, what a delta makes of it, and what the engine
// has to do to get from one map to the next. Pure; used by Tunnel.

import type { MapDelta, MapVersion, NetworkMap, Peer } from '@shadownet/contracts';

/** Negative if `a` is older than `b`, 0 if it is the same: the higher epoch wins, then the higher sequence. */
export function compareMapVersions(a: MapVersion, b: MapVersion): number {
  return a.epoch !== b.epoch ? a.epoch - b.epoch : a.sequence - b.sequence;
}

/**
 * The map with the delta in it. `older-version`: the map has it already. `map-needed`: the delta begins at a version that
 * the map has not reached, so what lies between must be fetched.
 */
export function applyMapDelta(
  map: NetworkMap | undefined,
  delta: MapDelta,
): { ok: true; map: NetworkMap } | { ok: false; reason: 'older-version' | 'map-needed' } {
  if (!map || compareMapVersions(delta.since, map.map_version) > 0) return { ok: false, reason: 'map-needed' };
  const { map_version, network_cidr, removed, changed } = delta;
  if (compareMapVersions(map_version, map.map_version) < 0) return { ok: false, reason: 'older-version' };
  if (removed.length + changed.length === 0) return { ok: true, map: { ...map, map_version, network_cidr } };
  const replaced = new Set([...removed, ...changed.map(({ id }) => id)]);
  const peers = [...map.peers.filter(({ id }) => !replaced.has(id)), ...changed];
  return { ok: true, map: { map_version, network_cidr, peers } };
}

export interface NetworkMapDiff {
  readonly added: readonly Peer[];
  /** Same public key, anything else different but the time of the last heartbeat. */
  readonly changed: readonly Peer[];
  /** By public key. */
  readonly removed: readonly Peer[];
}

/** What changed, by public key: a node id that got another key is one peer removed and another added. */
export function diffNetworkMap(old: NetworkMap | undefined, next: NetworkMap): NetworkMapDiff {
  const before = new Map(old?.peers.map((peer) => [peer.public_key, peer]));
  const after = new Set(next.peers.map((peer) => peer.public_key));
  const added: Peer[] = [];
  const changed: Peer[] = [];
  for (const peer of next.peers) {
    const known = before.get(peer.public_key);
    if (!known) added.push(peer);
    else if (!peersEqual(known, peer)) changed.push(peer);
  }
  return { added, changed, removed: [...before.values()].filter((peer) => !after.has(peer.public_key)) };
}

function peersEqual(a: Peer, b: Peer): boolean {
  return (
    a.id === b.id &&
    a.virtual_ip === b.virtual_ip &&
    a.endpoint === b.endpoint &&
    a.hostname === b.hostname &&
    a.os === b.os &&
    a.online === b.online &&
    a.inbound?.join() === b.inbound?.join() &&
    a.outbound?.join() === b.outbound?.join() &&
    listsEqual(a.allowed_ips, b.allowed_ips, (x, y) => x === y) &&
    listsEqual(a.candidates, b.candidates, (x, y) => x.kind === y.kind && x.ip === y.ip && x.port === y.port)
  );
}

function listsEqual<T>(a: readonly T[], b: readonly T[], equal: (x: T, y: T) => boolean): boolean {
  return a.length === b.length && a.every((item, i) => equal(item, b[i]!));
}
