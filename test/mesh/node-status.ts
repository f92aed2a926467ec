// What `shadownet-node status --json` says, as far as the demo and the tests read it.

export interface PeerStatus {
  readonly id: string;
  readonly hostname: string;
  readonly virtual_ip: string;
  readonly online: boolean;
  readonly endpoint: string | null;
  readonly relay: string | null;
  readonly path: 'direct' | 'lan' | 'relay' | 'none';
  readonly path_state: string;
  readonly rtt_ms: number | null;
  readonly last_handshake_s_ago: number | null;
  readonly rx_bytes: number;
  readonly tx_bytes: number;
}

export interface RelayStatus {
  readonly id: string;
  readonly home: boolean;
  readonly state: string;
  readonly transport: 'udp' | 'stream' | null;
}

export interface NodeStatus {
  readonly interface: string;
  readonly public_key: string;
  readonly virtual_ip: string;
  readonly control: { readonly url: string; readonly connected: boolean };
  readonly udp_port: number;
  readonly dataplane: 'linux' | 'portable';
  readonly reflexive: readonly string[];
  readonly host_candidates: readonly string[];
  readonly nat: { readonly kind: string } | null;
  readonly port_mapping: { readonly protocol: string; readonly endpoint: string } | null;
  readonly relays: readonly RelayStatus[];
  readonly peers: readonly PeerStatus[];
  readonly counters: Readonly<Record<string, number>>;
}
