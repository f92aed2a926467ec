// What a device takes, gives and tells: the types of its public API.

import type { CryptoProvider, RandomBytes } from '@shadownet/crypto';
import type { Duration, Instant, IpPrefix, Path, PublicKey, Secret } from '@shadownet/primitives';
import type { HandshakeKeys } from './handshake/cookie.js';
import type { Admission } from './handshake/load-guard.js';
import type { TimestampSource } from './handshake/timestamp.js';
import type { PacketFilterFactory, PacketFilterTable } from './packet-filter.js';
import type { WorkerBuffers } from './packet-workers/worker-state.js';
import type { SessionTable } from './transport/session-table.js';

/**
 * Where datagrams and packets go. The bytes are valid during the call only, and the device must not be called from inside it:
 * its buffers are in use.
 */
export interface DeviceOutput {
  /** Send this to the network. `trafficClass` is the outer DSCP and ECN byte, as far as the socket can set it. */
  datagram(bytes: Uint8Array, path: Path, trafficClass: number): void;
  /** Hand this IP packet, which came from `peer`, to the host. */
  packet(bytes: Uint8Array, peer: PublicKey): void;
}

/**
 * Who decides where a peer is. 'roaming': authenticated messages move its path (whitepaper §2.1). 'external': only
 * `setPeerPath` does; authenticated messages from elsewhere are reported as events.
 */
export type EndpointPolicy = 'roaming' | 'external';

export interface DeviceOptions {
  readonly crypto: CryptoProvider;
  readonly random: RandomBytes;
  readonly timestamps: TimestampSource;
  readonly endpoints: EndpointPolicy;
  /** Fixes the size of the session table: about 5 KB for each peer, of memory that is taken when it is used. */
  readonly maxPeers?: number;
  /** How many pairs of packet workers there may be, 1 unless told: each has statistics of its own. */
  readonly workerPairs?: number;
  /** Makes the filter of a table that `setFilterTable` is given. */
  readonly packetFilter?: PacketFilterFactory;
  /** Handshake messages per second beyond which cookies are asked for. Left out: what suits the crypto provider. */
  readonly handshakesPerSecond?: number;
}

export interface PeerConfiguration {
  readonly publicKey: PublicKey;
  /** 32 bytes, copied. Left out means none, which is the same as all zeros. */
  readonly presharedKey?: Secret;
  /** Taken from any other peer that has the same prefix. */
  readonly allowedIps: readonly IpPrefix[];
  /** Left out: the path stays as it is. */
  readonly path?: Path;
  /** 0, or left out, is off. */
  readonly persistentKeepalive?: Duration;
}

export type DeviceEvent =
  | {
      readonly kind: 'handshake-completed';
      readonly peer: PublicKey;
      readonly at: Instant;
      readonly role: 'initiator' | 'responder';
    }
  /** Nobody answered for REKEY_ATTEMPT_TIME; staged packets are gone. */
  | { readonly kind: 'handshake-gave-up'; readonly peer: PublicKey; readonly at: Instant }
  /** The current session reached REJECT_AFTER_TIME and there is no other. */
  | { readonly kind: 'session-expired'; readonly peer: PublicKey; readonly at: Instant }
  /** Roaming: the peer is somewhere else now. */
  | { readonly kind: 'path-changed'; readonly peer: PublicKey; readonly path: Path }
  /** External: the peer spoke from a path that is not its current one. Repeated at most once a second. */
  | { readonly kind: 'authenticated-from'; readonly peer: PublicKey; readonly path: Path }
  /**
   * External, from `handleWorkerTraffic`: what packet workers sent to the peer as data, and received of it by its current path; only
   * what is new since the look before.
   */
  | {
      readonly kind: 'traffic';
      readonly peer: PublicKey;
      readonly sent?: WorkerTransfer;
      readonly received?: WorkerTransfer;
    }
  /** Something waits to be sent and there is no path. At most once a second. */
  | { readonly kind: 'handshake-wanted'; readonly peer: PublicKey };

/** Datagrams that packet workers moved one way. */
export interface WorkerTransfer {
  /** When the latest one was. */
  readonly at: Instant;
  /** The length of the largest one. */
  readonly largestBytes: number;
}

/** All that the owner of packet workers needs of a device (docs/data-plane.md). */
export interface PacketWorkerHost {
  /** What the workers attach to. */
  readonly workerBuffers: WorkerBuffers;
  /** Epochs, and the end of what was withdrawn before them. */
  readonly sessionTable: Pick<SessionTable, 'epoch' | 'raiseEpoch' | 'hasPassed' | 'hasRetired' | 'reclaim'>;
  /** The allowed IPs as workers read them, if they changed since the last call; to be handed on before the next packet. */
  takeAllowedIpsTable(): SharedArrayBuffer | undefined;
  /**
   * What workers check handshake messages with, if it changed since the last call: `keys` is `undefined` while there is no private
   * key.
   */
  takeHandshakeKeys(): { readonly keys: HandshakeKeys | undefined } | undefined;
  /** Runs `deliver`, which hands the device a handshake message that a worker has checked and admitted so. */
  whileAdmitted(admission: Admission, deliver: () => void): void;
  /** The packet filter's table if it changed since the last call; a change to none is `{ table: undefined }`. */
  takeFilterTable(): { readonly table: PacketFilterTable | undefined } | undefined;
  /** Takes note of what workers sent and received since the last call; false if that was nothing. */
  handleWorkerTraffic(now: Instant, out: DeviceOutput): boolean;
}

export interface PeerStatus {
  readonly publicKey: PublicKey;
  readonly path?: Path;
  readonly allowedIps: readonly IpPrefix[];
  readonly persistentKeepalive: Duration;
  readonly lastHandshakeAt?: Instant;
  /** Authentic messages only, of any kind. */
  readonly lastReceivedAt?: Instant;
  readonly lastSentAt?: Instant;
  /** Bytes of authentic WireGuard messages, headers included. */
  readonly rxBytes: number;
  readonly txBytes: number;
  readonly session: 'none' | 'handshaking' | 'established';
  readonly stagedPackets: number;
}

export const DROP_REASONS = [
  // Any datagram
  'malformed-message',
  'no-private-key',
  'unknown-index',
  // Handshakes
  'invalid-mac1',
  'under-load',
  'rate-limited',
  'invalid-handshake',
  'invalid-cookie-reply',
  'unknown-peer',
  'old-timestamp',
  'initiation-flood',
  'session-table-full',
  // Transport messages
  'session-expired',
  'counter-exhausted',
  'replayed-counter',
  'unauthenticated',
  'source-not-allowed',
  // Packets of either direction
  'malformed-packet',
  'no-peer-for-destination',
  'packet-too-large',
  'routing-loop',
  'filter-denied',
  'filter-unreadable',
  // Staged packets
  'staged-overflow',
  'handshake-gave-up',
] as const;

/** Why a datagram or a packet went nowhere. */
export type DropReason = (typeof DROP_REASONS)[number];

export type Drop = { readonly ok: false; readonly reason: DropReason };

export type DatagramKind = 'initiation' | 'response' | 'cookie-reply' | 'keepalive' | 'data';

/** `peer` is whose message it was, wherever it came from. */
export type DatagramResult = { readonly ok: true; readonly kind: DatagramKind; readonly peer: PublicKey } | Drop;
export type PacketResult = { readonly ok: true } | Drop;
