// What `shadownet-node status --json` prints: stable API for scripts (docs/node-runtime.md). Times are ages, so that no
// clocks need to agree.

import type { NatMessage } from '@shadownet/contracts';

export interface NodeStatus {
  readonly version: string;
  readonly interface: string;
  readonly public_key: string;
  readonly virtual_ip: string;
  readonly network_cidr: string;
  readonly state: 'up';
  readonly control: {
    readonly url: string;
    /** Compare it with what the server logs at its start. */
    readonly public_key: string;
    readonly connected: boolean;
    readonly last_contact_ms_ago: number | null;
  };
  readonly udp_port: number;
  /** Our addresses as STUN servers see them, the latest first. */
  readonly reflexive: readonly string[];
  readonly host_candidates: readonly string[];
  /** What kind of NAT is in front of the node (IPv4), as in netcheck; null until it was measured. */
  readonly nat: NatMessage | null;
  /** What the router forwards to the node, if it does. */
  readonly port_mapping: { readonly protocol: 'pcp' | 'nat-pmp' | 'upnp-igd'; readonly endpoint: string } | null;
  readonly crypto: string;
  readonly dataplane: 'linux' | 'portable';
  /** Pairs of threads that move packets; 0 with the portable data plane. */
  readonly workers: number;
  readonly tun_mtu: number;
  readonly relays: readonly NodeRelayStatus[];
  readonly peers: readonly PeerStatus[];
  readonly counters: Readonly<Record<string, number>>;
}

export interface NodeRelayStatus {
  readonly id: string;
  /** Where peers send what is for us. */
  readonly home: boolean;
  readonly state: 'idle' | 'connecting' | 'up' | 'waiting';
  readonly transport: 'udp' | 'stream' | null;
  readonly rtt_ms: number | null;
  readonly last_failure: string | null;
}

export interface PeerStatus {
  readonly id: string;
  readonly hostname: string;
  readonly public_key: string;
  readonly virtual_ip: string;
  readonly online: boolean;
  readonly endpoint: string | null;
  /** The relay that data goes by, if it does. */
  readonly relay: string | null;
  readonly path: 'direct' | 'lan' | 'relay' | 'none';
  readonly path_state: 'idle' | 'searching' | 'connected' | 'waiting';
  readonly rtt_ms: number | null;
  readonly last_handshake_s_ago: number | null;
  readonly rx_bytes: number;
  readonly tx_bytes: number;
  readonly candidates: readonly CandidateStatus[];
}

export interface CandidateStatus {
  readonly endpoint: string;
  readonly kind: 'host' | 'server-reflexive' | 'peer-reflexive' | 'port-mapped';
  readonly state: string;
  readonly rtt_ms: number | null;
}
