// The ECN field of a packet that has been through the tunnel (RFC 6040 §4.2), and the checksum that goes with it. Used by
// receive-worker.ts.

import { ECN_MASK } from '@shadownet/wireguard';

import { IPV4 } from './virtio-header.js';

/** Sets the two bits of the IPv4 or IPv6 packet at `at`; the checksum of an IPv4 header stays right if it was. */
export function setEcn(view: DataView, at: number, ecn: number): void {
  if (view.getUint8(at) >> 4 === 6) {
    const word = view.getUint16(at);
    return view.setUint16(at, (word & ~(ECN_MASK << 4)) | (ecn << 4));
  }
  const trafficClass = view.getUint8(at + IPV4.trafficClass);
  view.setUint8(at + IPV4.trafficClass, (trafficClass & ~ECN_MASK) | ecn);
  // RFC 1624 §3: HC' = ~(~HC + ~m + m') in one's complement; the word has changed by m' − m.
  const sum = (~view.getUint16(at + IPV4.checksum) & 0xffff) + ecn - (trafficClass & ECN_MASK);
  view.setUint16(at + IPV4.checksum, ~(sum < 0 ? sum - 1 : sum + (sum >>> 16)));
}
