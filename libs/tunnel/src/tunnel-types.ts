// What a tunnel takes, gives and tells: the types of its public API.

import type { MapVersion } from '@shadownet/contracts';
import type { CryptoProvider, RandomBytes } from '@shadownet/crypto';
import type { Candidate, CandidateStatus, LossReason, PathStatus, SearchReason } from '@shadownet/paths';
import type { Duration, Endpoint, Instant, Path, PublicKey, RelayPath, Secret, UdpPath } from '@shadownet/primitives';
import type { Tai64nSource } from '@shadownet/wireguard';
import type { LinkPathKind } from './peer-candidates.js';

/**
 * Where datagrams and packets go. The bytes are valid during the call only, and the tunnel must not be called from inside it.
 */
export interface TunnelOutput {
  /** Send this by `path`, from that socket of the node or over that relay, with this outer DSCP and ECN byte as far as it can be set; 0 unless given. */
  datagram(bytes: Uint8Array, path: Path, trafficClass?: number): void;
  /** Hand this IP packet, which came from `peer`, to the host. */
  packet(bytes: Uint8Array, peer: PublicKey): void;
}

export interface TunnelOptions {
  readonly crypto: CryptoProvider;
  readonly random: RandomBytes;
  readonly timestamps: Tai64nSource;
  /** 32 bytes; copied where needed, and stays the caller's. */
  readonly privateKey: Secret;
  /** Above every probe counter that this identity ever used: peers take nothing else, also after a restart. */
  readonly firstProbeCounter: bigint;
  /**
   * When a path to a peer is looked for: 'at-once', as long as both are online; or 'on-traffic', where every peer can be
   * called by a relay. 'at-once' if absent.
   */
  readonly search?: 'at-once' | 'on-traffic';
  /** Whether ports of hard NATs may be guessed, with hundreds of probes and further sockets. False if absent. */
  readonly guessing?: boolean;
  /** What our requests to STUN servers say they come from. */
  readonly software?: string;
  /** How many pairs of packet workers there may be, 1 unless told. */
  readonly workerPairs?: number;
}

/** A peer as events name it. */
export interface PeerName {
  readonly id: string;
  readonly hostname: string;
  readonly publicKey: PublicKey;
}

export type TunnelEvent =
  | {
      readonly kind: 'search-started';
      readonly peer: PeerName;
      readonly reason: SearchReason;
      readonly candidates: readonly Candidate[];
    }
  | { readonly kind: 'search-paused'; readonly peer: PeerName; readonly retryAt: Instant | undefined }
  | { readonly kind: 'path-confirmed'; readonly peer: PeerName; readonly path: UdpPath; readonly rtt: Duration }
  /** Data goes by a relay: no path is direct. */
  | { readonly kind: 'relayed'; readonly peer: PeerName; readonly path: RelayPath }
  /** The answer to a `ping`, and the path by which both went. */
  | { readonly kind: 'pong'; readonly peer: PeerName; readonly path: Path; readonly rtt: Duration }
  /** What the path was found to carry, in bytes of UDP payload. */
  | {
      readonly kind: 'path-mtu';
      readonly peer: PeerName;
      readonly path: Path;
      readonly provenBytes: number;
      readonly losesBytes: number | undefined;
    }
  /** Data and probes stay unanswered: our own address may have changed, towards relays, too. */
  | { readonly kind: 'path-in-doubt'; readonly peer: PeerName }
  /** To be handed to the peer by the control server: its `handleCall` takes it. */
  | { readonly kind: 'call-by-control'; readonly peer: PeerName; readonly message: Uint8Array }
  /** Open so many further sockets, and hand them to `useSockets`. */
  | { readonly kind: 'sockets-wanted'; readonly peer: PeerName; readonly count: number }
  /** Close these. */
  | { readonly kind: 'sockets-unneeded'; readonly sockets: readonly number[] }
  | { readonly kind: 'path-lost'; readonly peer: PeerName; readonly reason: LossReason }
  | { readonly kind: 'handshake-completed'; readonly peer: PeerName; readonly role: 'initiator' | 'responder' }
  | { readonly kind: 'handshake-gave-up'; readonly peer: PeerName }
  | { readonly kind: 'stun-result'; readonly server: Endpoint; readonly endpoint: Endpoint; readonly rtt: Duration }
  | { readonly kind: 'stun-unanswered'; readonly server: Endpoint }
  /** What we announce is not what we announced: tell the control server at once. */
  | { readonly kind: 'reflexive-changed'; readonly endpoint: Endpoint; readonly previous: Endpoint | undefined };

/** What came of a network map or a change of it. `map-needed`: fetch the whole map. */
export type MapUpdate =
  | {
      readonly ok: true;
      readonly version: MapVersion;
      readonly peers: number;
      readonly added: number;
      readonly changed: number;
      readonly removed: number;
    }
  | { readonly ok: false; readonly reason: 'older-version' | 'map-needed' };

export interface PeerLinkStatus extends PeerName {
  readonly virtualIp: string;
  readonly online: boolean;
  readonly path: Path | undefined;
  readonly pathKind: LinkPathKind;
  readonly pathState: PathStatus['state'];
  readonly rtt: Duration | undefined;
  readonly candidates: readonly CandidateStatus[];
  readonly session: 'none' | 'handshaking' | 'established';
  readonly lastHandshakeAt: Instant | undefined;
  /** WireGuard bytes, headers included, since the peer was added. */
  readonly rxBytes: number;
  readonly txBytes: number;
}

export interface TunnelStatus {
  readonly publicKey: PublicKey;
  readonly mapVersion: MapVersion | undefined;
  readonly reflexive: readonly Endpoint[];
  readonly peers: readonly PeerLinkStatus[];
  /** Drops and oddities by name; those that never happened are left out. */
  readonly counters: Readonly<Record<string, number>>;
}
