// What one node is told of the others.

import type { MapVersion, NetworkMap, Peer } from '@shadownet/contracts';
import { formatIpPrefix, type IpPrefix } from '@shadownet/primitives';
import { formatTime } from '../clock.js';
import { formatVirtualAddress } from '../nodes/address-pool.js';
import type { NodeEntity } from '../nodes/node.entity.js';
import type { PeerAccess } from './visibility.js';

export function buildNetworkMap(peers: readonly Peer[], network: IpPrefix, version: MapVersion): NetworkMap {
  return { map_version: version, network_cidr: formatIpPrefix(network), peers: [...peers] };
}

/** `access`: what the viewer is told that the two may open; without it the peer as it is to everybody. */
export function toPeer(node: NodeEntity, access: PeerAccess = {}): Peer {
  const virtualIp = formatVirtualAddress(node.address);
  return {
    id: node.id,
    public_key: node.publicKey,
    virtual_ip: virtualIp,
    endpoint: node.endpoint,
    candidates: node.candidates,
    home_relay: node.homeRelay,
    hostname: node.hostname,
    os: node.os,
    allowed_ips: [`${virtualIp}/32`],
    online: node.online,
    last_heartbeat: formatTime(node.lastHeartbeatAt),
    ...access,
  };
}

/** True if the two differ in what a peer acts on. That a node was heard again is no change of the map. */
export function peerChanged(before: Peer, after: Peer): boolean {
  return JSON.stringify({ ...before, last_heartbeat: null }) !== JSON.stringify({ ...after, last_heartbeat: null });
}
