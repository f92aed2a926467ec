// Where a client is, as the relay's shell knows it: an address of the UDP socket, or a WebSocket.

import type { Endpoint } from '@shadownet/primitives';

export interface RelayLink {
  readonly kind: 'udp' | 'stream';
  /** Unique among the links of the relay; that of a UDP link follows from its endpoint. */
  readonly id: string;
  readonly endpoint: Endpoint;
}

export interface RelayServerOutput {
  /**
   * Sends the frame of `length` bytes at `at`. What the core forwards lies where it came in, with a new header: a shell that
   * sends later than in this call keeps that memory, or copies.
   */
  send(bytes: Uint8Array, at: number, length: number, to: RelayLink): void;
  /** A stream that is of no use any more, after what was sent to it. */
  close(link: RelayLink): void;
}
