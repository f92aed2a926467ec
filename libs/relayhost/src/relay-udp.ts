// The UDP socket of a relay: it hands over frames in memory that may be written to, and what is sent from there goes out without
// a copy where it can. Implementations: linux-relay-udp.ts (UDP_GRO, UDP_SEGMENT) and portable-relay-udp.ts (node:dgram);
// best-relay-udp.ts chooses.

import type { RelayLink } from '@shadownet/relay';

export interface UdpOptions {
  /** Text of an IP address; that of all addresses is allowed. */
  readonly address: string;
  /** 0 for any free one. */
  readonly port: number;
  /** 'portable' to do without the offloads of Linux. */
  readonly kind: 'best' | 'portable';
}

export type RelayUdpKind = 'linux' | 'portable';

export interface RelayUdpCounters {
  received: number;
  sent: number;
  /** By errno name; EAGAIN and ENOBUFS where the socket's buffer was full. */
  readonly sendErrors: Record<string, number>;
}

/** Takes the frame of `length` bytes at `at`, and may write to it. */
export type FrameHandler = (bytes: Uint8Array, at: number, length: number, link: RelayLink) => void;

export interface RelayUdp {
  readonly kind: RelayUdpKind;
  readonly port: number;
  readonly counters: RelayUdpCounters;
  /** `onTurnEnd`: nothing more is there for the moment. */
  start(onFrame: FrameHandler, onTurnEnd: () => void): void;
  /** Within `onFrame` for memory that it was handed, at any time for other memory. */
  send(bytes: Uint8Array, at: number, length: number, to: RelayLink): void;
  close(): Promise<void>;
}
