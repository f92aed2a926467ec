// The UDP socket of a relay: it hands over frames in memory that may be written to, and what is sent from there goes out without
// a copy where it can. Implementations: Linux (UDP_GRO, UDP_SEGMENT) and portable (node:dgram).

import type { SipHasher } from '@shadownet/crypto';
import type { RelayLink } from '@shadownet/relay';
import { NativeError } from '@shadownet/native';
import { LinuxRelayUdp } from './linux-relay-udp.js';
import { openPortableRelayUdp } from './portable-relay-udp.js';
import type { UdpOptions } from './worker-messages.js';

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

/** Rejects with a UdpError or a NativeError. `hasher` is the core's: frames are received into its memory. */
export async function openRelayUdp(options: UdpOptions, hasher: SipHasher): Promise<RelayUdp> {
  if (options.kind === 'best') {
    try {
      return LinuxRelayUdp.open(options, hasher);
    } catch (error) {
      if (!(error instanceof NativeError) || error.code !== 'native-unavailable') throw error;
    }
  }
  return openPortableRelayUdp(options);
}
