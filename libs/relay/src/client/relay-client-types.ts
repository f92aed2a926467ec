// What a node sees of its relays.

import type { Duration, Endpoint, PublicKey } from '@shadownet/primitives';
import type { Refusal } from '../handshake-frames.js';
import type { RelaySessionRef } from '../session-table.js';

export type RelayId = string;

/** A relay as the network map names it. */
export interface RelayDescription {
  readonly id: RelayId;
  readonly publicKey: PublicKey;
  /** One per address family, or none. */
  readonly udp: readonly Endpoint[];
  /** Undefined where it has none. */
  readonly websocketUrl: string | undefined;
  /** Empty for a relay that knows the nodes itself. */
  readonly ticket: Uint8Array;
}

/** Bytes are valid during the call only. */
export interface RelayClientOutput {
  /** Leaves by the node's one UDP socket. */
  datagram(bytes: Uint8Array, to: Endpoint): void;
  /** Open a WebSocket; what becomes of it is told by `handleStream`. */
  openStream(relay: RelayId, url: string): void;
  /** One frame: the shell puts those of one turn into one message (StreamMessageWriter). */
  writeStream(relay: RelayId, frame: Uint8Array): void;
  closeStream(relay: RelayId): void;
  /** What a peer has sent through the relay: a WireGuard message or a probe. */
  relayed(bytes: Uint8Array, peer: PublicKey, relay: RelayId): void;
  signal(bytes: Uint8Array, peer: PublicKey, relay: RelayId): void;
}

/** How packet workers send to a peer by a relay: frames under that session, to that endpoint, with that channel. */
export interface RelayRoute {
  readonly remote: Endpoint;
  readonly session: RelaySessionRef;
  readonly channel: number;
}

export type RelayTransport = 'udp' | 'stream';

export type RelayDownReason = 'no-answer' | 'closed' | 'stream-failed' | 'not-needed' | 'removed' | Refusal;

export type RelayEvent =
  | { readonly kind: 'home-changed'; readonly relay: RelayId | undefined }
  | { readonly kind: 'relay-up'; readonly relay: RelayId; readonly transport: RelayTransport }
  /** It has proved its address anew: what it has sent shortly before may have been dropped. */
  | { readonly kind: 'relay-renewed'; readonly relay: RelayId }
  | { readonly kind: 'relay-down'; readonly relay: RelayId; readonly reason: RelayDownReason }
  | { readonly kind: 'peer-present'; readonly relay: RelayId; readonly peer: PublicKey }
  /** `unsent`: what had waited for the relay's word on the peer, in order; copies, the receiver's to keep. */
  | {
      readonly kind: 'peer-absent';
      readonly relay: RelayId;
      readonly peer: PublicKey;
      readonly unsent: readonly Uint8Array[];
    };

export interface RelayStatus {
  readonly id: RelayId;
  readonly isHome: boolean;
  readonly state: 'idle' | 'connecting' | 'up' | 'waiting';
  /** Whether anybody can be reached there; `untried`: that is not known. */
  readonly health: 'up' | 'untried' | 'failed';
  readonly transport: RelayTransport | undefined;
  /** Of the latest samples, smoothed; undefined before the first. */
  readonly rtt: Duration | undefined;
  readonly lastFailure: RelayDownReason | undefined;
}
