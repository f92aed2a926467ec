// The one UDP socket of a node: STUN, probes and WireGuard share it, and it is never rebound. IPv4 peers appear as IPv4
// addresses even on a dual-stack socket. Implementations: portable (node:dgram), memory (tests).

import type { Endpoint, IpAddress } from '@shadownet/primitives';

/**
 * Receives one datagram. The bytes belong to the receiver. `local` is the address of ours that it was sent to, from sockets
 * that can tell.
 */
export type DatagramHandler = (datagram: Uint8Array, from: Endpoint, local?: IpAddress) => void;

/** What of a datagram's IP header can be asked for. The portable socket can give neither. */
export interface SendOptions {
  /** The address of ours to send from; if it has gone, and without it, the system chooses. */
  readonly from?: IpAddress | undefined;
  /** DSCP and ECN: the byte that IPv4 calls TOS. */
  readonly trafficClass?: number | undefined;
}

export interface UdpSocket {
  readonly port: number;
  /** The address families that it can send to. */
  readonly families: readonly (4 | 6)[];
  /** Set once, before datagrams are expected: without it they are dropped. */
  onDatagram(handler: DatagramHandler): void;
  /** Sends one datagram and never throws for the network's sake: failures are counted by errno. Bytes are copied or sent at once. */
  send(datagram: Uint8Array, to: Endpoint, options?: SendOptions): void;
  readonly counters: UdpCounters;
  /** Nothing is received after the call. Resolves when the port is free again. May be called again. */
  close(): Promise<void>;
}

export interface UdpCounters {
  datagramsReceived: number;
  /** Datagrams that the system took. */
  datagramsSent: number;
  /** By errno name: EPERM, ENETUNREACH, EMSGSIZE…; ENOBUFS also when too much waits to be sent. */
  readonly sendErrors: Record<string, number>;
  /** By errno name, and `source-port-0` for datagrams that nobody can answer. */
  readonly receiveErrors: Record<string, number>;
}

/** A datagram's largest payload: 65,535 bytes less the headers of UDP (8) and, where it counts them in, IPv4 (20). */
export const MAX_DATAGRAM_BYTES = { 4: 65_507, 6: 65_527 } as const;

export function newUdpCounters(): UdpCounters {
  return { datagramsReceived: 0, datagramsSent: 0, sendErrors: {}, receiveErrors: {} };
}

/** One more of `name`. */
export function countByName(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
