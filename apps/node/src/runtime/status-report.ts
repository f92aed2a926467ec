// The answer to `shadownet-node status`: what the parts know, in the words of node-status.

import type { CryptoProvider } from '@shadownet/crypto';
import type { DataPlane } from '@shadownet/dataplane';
import { encodePublicKey, formatEndpoint, type Instant, type PublicKey } from '@shadownet/primitives';
import type { RelayStatus } from '@shadownet/relay';
import type { PeerLinkStatus, Tunnel } from '@shadownet/tunnel';
import type { UdpSocket } from '@shadownet/udp';
import type { NodeConfig } from '../config.js';
import { natMessage } from '../netcheck/nat-message.js';
import type { NodeRelays } from '../relays/node-relays.js';
import { VERSION } from '../version.js';
import type { ControlSession } from './control-session.js';
import type { OwnNetwork } from './own-network.js';
import { roundTo } from './link-reports.js';
import { trafficCounters } from './traffic-counters.js';
import type { NodeRelayStatus, NodeStatus, PeerStatus } from './node-status.js';

export interface NodeParts {
  readonly config: NodeConfig;
  readonly crypto: CryptoProvider;
  readonly serverKey: PublicKey;
  readonly socket: UdpSocket;
  readonly tunnel: Tunnel;
  readonly session: ControlSession;
  readonly relays: NodeRelays;
  readonly dataPlane: DataPlane;
  readonly network: OwnNetwork;
  readonly address: string;
  readonly networkCidr: string;
}

export function describeNode(parts: NodeParts, now: Instant): NodeStatus {
  const { config, crypto, serverKey, socket, tunnel, session, relays, dataPlane } = parts;
  const { publicKey, reflexive, peers, counters } = tunnel.status(now);
  const { lastContactAt } = session;
  const { forwardedPort: port, nat } = parts.network;
  return {
    version: VERSION,
    interface: dataPlane.tun.name,
    public_key: encodePublicKey(publicKey),
    virtual_ip: parts.address,
    network_cidr: parts.networkCidr,
    state: 'up',
    control: {
      url: config.control.href,
      public_key: encodePublicKey(serverKey),
      connected: session.connected,
      last_contact_ms_ago: lastContactAt === undefined ? null : Math.round(now - lastContactAt),
    },
    udp_port: socket.port,
    reflexive: reflexive.map(formatEndpoint),
    host_candidates: tunnel.hostCandidates.map(formatEndpoint),
    nat: nat ? natMessage(nat) : null,
    port_mapping: port ? { protocol: port.protocol, endpoint: formatEndpoint(port.external) } : null,
    crypto: crypto.name,
    dataplane: dataPlane.kind,
    workers: dataPlane.workerPairs,
    tun_mtu: dataPlane.tun.mtu,
    peers: peers.map((peer) => describePeer(peer, now)).sort((a, b) => a.hostname.localeCompare(b.hostname)),
    relays: relays.status().map(describeRelay),
    counters: trafficCounters({ ...counters, ...relays.counters() }, socket, dataPlane),
  };
}

function describeRelay({ id, isHome, state, transport, rtt, lastFailure }: RelayStatus): NodeRelayStatus {
  return {
    id,
    home: isHome,
    state,
    transport: transport ?? null,
    rtt_ms: rtt === undefined ? null : roundTo(rtt, 2),
    last_failure: lastFailure ?? null,
  };
}

function describePeer(peer: PeerLinkStatus, now: Instant): PeerStatus {
  return {
    id: peer.id,
    hostname: peer.hostname,
    public_key: encodePublicKey(peer.publicKey),
    virtual_ip: peer.virtualIp,
    online: peer.online,
    endpoint: peer.path?.kind === 'udp' ? formatEndpoint(peer.path.remote) : null,
    relay: peer.path?.kind === 'relay' ? peer.path.relay : null,
    path: peer.pathKind,
    path_state: peer.pathState,
    rtt_ms: peer.rtt === undefined ? null : roundTo(peer.rtt, 2),
    last_handshake_s_ago: peer.lastHandshakeAt === undefined ? null : roundTo((now - peer.lastHandshakeAt) / 1000, 1),
    rx_bytes: peer.rxBytes,
    tx_bytes: peer.txBytes,
    candidates: peer.candidates.map(({ endpoint, kind, state, rtt }) => ({
      endpoint: formatEndpoint(endpoint),
      kind,
      state,
      rtt_ms: rtt === undefined ? null : roundTo(rtt, 2),
    })),
  };
}
