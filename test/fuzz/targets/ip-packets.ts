// IP packets for the targets of the data plane, written out plainly: the code that is fuzzed has its own way to make them.

const VIRTIO_HEADER_LENGTH = 10;
const NEEDS_CHECKSUM = 1;
const GSO = { tcp4: 1, tcp6: 4, udp: 5 };
const SEGMENT_SIZE = 100;
const SEGMENTS = 3;
const TCP_LENGTH = 20;
const UDP_LENGTH = 8;
const PROTOCOL = { tcp: 6, udp: 17 };

export type Family = 4 | 6;

/** Three segments of 100 bytes behind a virtio header. */
export function tcpSuperpacket(family: Family): Uint8Array {
  const packet = tcpPacket(family, { sequence: 1000, payload: new Uint8Array(SEGMENTS * SEGMENT_SIZE).fill(7) });
  return withVirtioHeader(packet, family, family === 4 ? GSO.tcp4 : GSO.tcp6, TCP_LENGTH, 16);
}

/** Three datagrams of 100 bytes behind a virtio header. */
export function udpSuperpacket(family: Family): Uint8Array {
  const packet = udpPacket(family, new Uint8Array(SEGMENTS * SEGMENT_SIZE).fill(7));
  return withVirtioHeader(packet, family, GSO.udp, UDP_LENGTH, 6);
}

/** `flags`: ACK unless told. */
export function tcpPacket(
  family: Family,
  { sequence, payload, flags = 0x10 }: { sequence: number; payload: Uint8Array; flags?: number },
): Uint8Array {
  const packet = ipPacket(family, PROTOCOL.tcp, TCP_LENGTH + payload.length);
  const at = headerLength(family);
  const view = viewOf(packet);
  view.setUint16(at, 4000);
  view.setUint16(at + 2, 5000);
  view.setUint32(at + 4, sequence);
  view.setUint32(at + 8, 77);
  view.setUint8(at + 12, (TCP_LENGTH / 4) << 4);
  view.setUint8(at + 13, flags);
  view.setUint16(at + 14, 500);
  packet.set(payload, at + TCP_LENGTH);
  setChecksum(packet);
  return packet;
}

export function udpPacket(family: Family, payload: Uint8Array): Uint8Array {
  const packet = ipPacket(family, PROTOCOL.udp, UDP_LENGTH + payload.length);
  const at = headerLength(family);
  const view = viewOf(packet);
  view.setUint16(at, 4000);
  view.setUint16(at + 2, 5000);
  view.setUint16(at + 4, UDP_LENGTH + payload.length);
  packet.set(payload, at + UDP_LENGTH);
  setChecksum(packet);
  return packet;
}

export function headerLength(family: Family): number {
  return family === 4 ? 20 : 40;
}

/** Makes the checksum of TCP or UDP right, if the packet is one of these and long enough to have one. */
export function setChecksum(packet: Uint8Array): void {
  const family = packet[0]! >> 4 === 4 ? 4 : 6;
  const at = headerLength(family);
  const protocol = packet[family === 4 ? 9 : 6];
  const field = at + (protocol === PROTOCOL.tcp ? 16 : 6);
  if ((protocol !== PROTOCOL.tcp && protocol !== PROTOCOL.udp) || packet.length < field + 2) return;
  const view = viewOf(packet);
  view.setUint16(field, 0);
  const addresses = family === 4 ? packet.subarray(12, 20) : packet.subarray(8, 40);
  const sum = sumOf(addresses) + protocol + (packet.length - at) + sumOf(packet.subarray(at));
  const checksum = ~folded(sum) & 0xffff;
  // Zero would say that a UDP datagram has none (RFC 768).
  view.setUint16(field, checksum === 0 && protocol === PROTOCOL.udp ? 0xffff : checksum);
}

function ipPacket(family: Family, protocol: number, length: number): Uint8Array {
  const packet = new Uint8Array(headerLength(family) + length);
  const view = viewOf(packet);
  if (family === 4) {
    packet.set([0x45, 0, 0, 0, 0, 1, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    view.setUint16(2, packet.length);
    view.setUint16(10, ~folded(sumOf(packet.subarray(0, 20))) & 0xffff);
  } else {
    packet.set([0x60, 0, 0, 0, 0, 0, protocol, 64, 0xfd]);
    view.setUint16(4, length);
    packet[23] = 1;
    packet[24] = 0xfd;
    packet[39] = 2;
  }
  return packet;
}

function withVirtioHeader(
  packet: Uint8Array,
  family: Family,
  type: number,
  transportLength: number,
  checksumOffset: number,
): Uint8Array {
  const superpacket = new Uint8Array(VIRTIO_HEADER_LENGTH + packet.length);
  const view = viewOf(superpacket);
  const transport = headerLength(family);
  superpacket.set([NEEDS_CHECKSUM, type]);
  view.setUint16(2, transport + transportLength, true);
  view.setUint16(4, SEGMENT_SIZE, true);
  view.setUint16(6, transport, true);
  view.setUint16(8, checksumOffset, true);
  superpacket.set(packet, VIRTIO_HEADER_LENGTH);
  return superpacket;
}

/** RFC 1071: 16-bit words in network order, the last one padded. */
function sumOf(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  return sum;
}

function folded(sum: number): number {
  let result = sum;
  while (result > 0xffff) result = (result & 0xffff) + Math.floor(result / 0x10000);
  return result;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
