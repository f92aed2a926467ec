// What passes between the main thread, which has the WebSockets, and the relay's thread, which has the core and the UDP socket.
// Frames travel in whole messages of a stream, whose memory is handed over.

import type { RelayCounters, RelayLimits, Revocation } from '@shadownet/relay';
import type { RelayUdpCounters, RelayUdpKind, UdpOptions } from './relay-udp.js';

/** The workerData of the relay's thread. */
export interface RelayWorkerStart {
  /** 32 bytes: the relay's X25519 key. Zeroed once read. */
  readonly privateKey: Uint8Array;
  /** Undefined: WebSockets only. */
  readonly udp: UdpOptions | undefined;
  /** Whose keys `admit` names, if anybody's: the name of their network. */
  readonly network: string;
  /** Ed25519 keys of 32 bytes, by whose tickets others are admitted. */
  readonly ticketKeys: readonly Uint8Array[];
  readonly limits: Partial<RelayLimits>;
}

/** A WebSocket, by a number of the main thread's. */
export type StreamNumber = number;

export type ToRelay =
  | { readonly kind: 'admit' | 'revoke'; readonly keys: readonly string[] }
  /** Of tickets; checked already. */
  | { readonly kind: 'revoke-tickets'; readonly revocations: readonly Revocation[] }
  | { readonly kind: 'stream-open'; readonly stream: StreamNumber; readonly endpoint: string }
  | { readonly kind: 'stream-message'; readonly stream: StreamNumber; readonly message: Uint8Array }
  /** So many bytes have left for the client: there is room for more. */
  | { readonly kind: 'stream-sent'; readonly stream: StreamNumber; readonly bytes: number }
  | { readonly kind: 'stream-closed'; readonly stream: StreamNumber }
  | { readonly kind: 'count' }
  | { readonly kind: 'close' };

export type FromRelay =
  | { readonly kind: 'listening'; readonly udp: { readonly kind: RelayUdpKind; readonly port: number } | undefined }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'stream-message'; readonly stream: StreamNumber; readonly message: Uint8Array }
  /** So many bytes of the stream were dealt with: the client may send more. */
  | { readonly kind: 'stream-taken'; readonly stream: StreamNumber; readonly bytes: number }
  | { readonly kind: 'stream-close'; readonly stream: StreamNumber }
  | { readonly kind: 'counted'; readonly counters: RelayHostCounters }
  | { readonly kind: 'closed' };

export interface RelayHostCounters {
  readonly clients: number;
  readonly streams: number;
  readonly core: RelayCounters;
  readonly udp: RelayUdpCounters | undefined;
  /** Frames for a WebSocket whose client reads too slowly. */
  readonly slowReceiver: number;
}
