// The relay's UDP socket, opened in the best way that the system has. Used by relay-worker.ts.

import type { SipHasher } from '@shadownet/crypto';
import { NativeError } from '@shadownet/native';
import { LinuxRelayUdp } from './linux-relay-udp.js';
import { openPortableRelayUdp } from './portable-relay-udp.js';
import type { RelayUdp, UdpOptions } from './relay-udp.js';

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
