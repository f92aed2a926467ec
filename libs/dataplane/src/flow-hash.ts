// One number for all packets of a flow, by which receive-worker.ts chooses the TUN queue that it writes them to. Linux sends what
// flows back to the queue that a flow was last written to (tun_flow_update): were that another one each time, so would be the
// transmit worker, and packets would overtake each other.

import { IPV4, IPV6, PROTOCOL_TCP, PROTOCOL_UDP } from './virtio-header.js';

/** MF and the fragment offset: a packet with any of these bits may lack the ports. */
const FRAGMENT_BITS = 0x3fff;

/** An unsigned number of 32 bits for the IP packet at `at`, which is whole: its addresses, its protocol and its ports if it shows them. */
export function flowHash(view: DataView, at: number): number {
  const first = view.getUint8(at);
  const isIpv4 = first >> 4 === 4;
  const protocol = view.getUint8(at + (isIpv4 ? IPV4.protocol : IPV6.nextHeader));
  const [from, to] = isIpv4 ? [IPV4.source, IPV4.headerLength] : [IPV6.source, IPV6.headerLength];
  let hash = protocol;
  for (let offset = from; offset < to; offset += 4) hash = mix(hash, view.getUint32(at + offset));
  const hasPorts = protocol === PROTOCOL_TCP || protocol === PROTOCOL_UDP;
  const isFragment = isIpv4 && (view.getUint16(at + IPV4.fragment) & FRAGMENT_BITS) !== 0;
  const ports = at + (isIpv4 ? (first & 15) * 4 : IPV6.headerLength);
  if (hasPorts && !isFragment && ports + 4 <= view.byteLength) hash = mix(hash, view.getUint32(ports));
  return (hash ^ (hash >>> 16)) >>> 0;
}

function mix(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x9e37_79b1);
  return mixed ^ (mixed >>> 15);
}
