// The one UDP socket of a node: STUN, probes and WireGuard share it, and it is never rebound. IPv4 peers appear as IPv4
// addresses even on a dual-stack socket. Implementations: portable (node:dgram), memory (tests).

import type { Endpoint } from '@shadownet/primitives';

/** Receives one datagram. The bytes belong to the receiver. */
export type DatagramHandler = (datagram: Uint8Array, from: Endpoint) => void;

export interface UdpSocket {
  readonly port: number;
  /** The address families that it can send to. */
  readonly families: readonly (4 | 6)[];
  onDatagram(handler: DatagramHandler): void;
  /** Sends one datagram and never throws for the network's sake: failures are counted by errno. Bytes are copied or sent at once. */
  send(datagram: Uint8Array, to: Endpoint): void;
  readonly counters: UdpCounters;
  close(): Promise<void>;
}

export interface UdpCounters {
  datagramsReceived: number;
  datagramsSent: number;
  /** By errno name: EPERM, ENETUNREACH, EMSGSIZE… */
  readonly sendErrors: Record<string, number>;
}
