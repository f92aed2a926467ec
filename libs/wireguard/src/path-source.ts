// Where a datagram came from, for the defences that count by address (whitepaper §5.3). What a relay handed on has no address
// here: the sender's key, which it has proved to the relay, stands for one. Used by receive.ts and device-state.ts.

import { type Endpoint, endpoint, ipAddressFromBytes, type Path } from '@shadownet/primitives';

/** 100::/64, which no packet ever comes from (RFC 6666). */
const DISCARD_PREFIX = Uint8Array.of(0x01, 0, 0, 0, 0, 0, 0, 0);

/** The remote endpoint; of a relayed path an address of the discard prefix that ends with 8 bytes of the peer's key. */
export function sourceOf(path: Path): Endpoint {
  if (path.kind === 'udp') return path.remote;
  const bytes = new Uint8Array(16);
  bytes.set(DISCARD_PREFIX);
  bytes.set(path.peer.subarray(0, 8), 8);
  return endpoint(ipAddressFromBytes(bytes), 1);
}
