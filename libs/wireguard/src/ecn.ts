// Explicit congestion notification through a tunnel (RFC 6040, normal mode): what the outer header shows on the way in, and
// what the inner one shows on the way out. Used by send.ts and the packet workers of libs/dataplane.

/** The two bits of a traffic class. */
export const ECN_MASK = 3;

const NOT_ECT = 0;
const ECT_1 = 1;
const ECT_0 = 2;
const CE = 3;

/** The codepoint of the IPv4 or IPv6 packet at `at`; §4.1: it is that of the outer header as well. */
export function ecnOf(packet: Uint8Array, at = 0): number {
  const second = packet[at + 1]!;
  return packet[at]! >> 4 === 4 ? second & ECN_MASK : (second >> 4) & ECN_MASK;
}

/** §4.2, figure 4: the codepoint that `inner` leaves the tunnel with, after a way under `outer`. */
export function decapsulatedEcn(inner: number, outer: number): number | 'drop' {
  // Congestion that the receiver cannot be told of in any other way.
  if (outer === CE) return inner === NOT_ECT ? 'drop' : CE;
  return outer === ECT_1 && inner === ECT_0 ? ECT_1 : inner;
}
