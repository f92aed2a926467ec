// A TUN device: whole IP packets in and out. Implementations: linux (/dev/net/tun), memory (tests).

import type { IpAddress } from '@shadownet/primitives';

/** Receives one IP packet. The bytes are valid during the call only: copy what is kept. */
export type PacketHandler = (packet: Uint8Array) => void;

export interface TunDevice {
  /** The interface name as the kernel knows it. */
  readonly name: string;
  /** Bytes of the largest IP packet. */
  readonly mtu: number;
  /** Packets that the kernel routes into the device. Set once, before packets are expected: without it they are dropped. */
  onPacket(handler: PacketHandler): void;
  /** Told once, with a TunError 'tun-closed', if the device fails or is deleted from outside; not after `close`. */
  onClosed(handler: (reason: Error) => void): void;
  /** Hands one IP packet to the kernel; the bytes may be reused after the call. Packets that it refuses are counted. */
  write(packet: Uint8Array): void;
  readonly counters: TunCounters;
  /** Removes the interface. Resolves when it is gone. May be called again. */
  close(): Promise<void>;
}

export interface TunCounters {
  packetsRead: number;
  packetsWritten: number;
  /** Packets that the kernel did not take (queue full, malformed, interface down or gone). */
  writeErrors: number;
}

/** An address of the interface itself, and the length of the prefix that is reached through it: 10.100.0.7/16. */
export interface InterfaceAddress {
  readonly address: IpAddress;
  /** 1…32 for IPv4, 1…128 for IPv6. */
  readonly length: number;
}
