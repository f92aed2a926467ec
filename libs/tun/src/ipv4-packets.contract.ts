// IPv4 packets for the contract suite: UDP (RFC 768) without its optional checksum, and ICMP echo (RFC 792).

import { bytesEqual, type Endpoint, type IpAddress } from '@shadownet/primitives';

/** The direction into the host: from a peer behind the device to a socket of the host. */
export interface UdpFlow {
  readonly source: Endpoint;
  readonly destination: Endpoint;
}

const IP_HEADER = 20;
const UDP_HEADER = 8;
const PROTOCOL_ICMP = 1;
const PROTOCOL_UDP = 17;

/** A datagram of the flow. Both addresses are IPv4. */
export function buildUdpPacket({ source, destination }: UdpFlow, payload: Uint8Array): Uint8Array {
  const segment = new Uint8Array(UDP_HEADER + payload.length);
  const fields = new DataView(segment.buffer);
  fields.setUint16(0, source.port);
  fields.setUint16(2, destination.port);
  fields.setUint16(4, segment.length);
  segment.set(payload, UDP_HEADER);
  return buildIpv4Packet(PROTOCOL_UDP, source.address, destination.address, segment);
}

/** A copy of the payload if the packet is a datagram of the flow. */
export function readUdpPayload(packet: Uint8Array, { source, destination }: UdpFlow): Uint8Array | undefined {
  if (packet[0] !== 0x45 || packet[9] !== PROTOCOL_UDP) return undefined;
  if (!bytesEqual(packet.subarray(12, 16), source.address.bytes)) return undefined;
  if (!bytesEqual(packet.subarray(16, 20), destination.address.bytes)) return undefined;
  const fields = new DataView(packet.buffer, packet.byteOffset, packet.length);
  if (fields.getUint16(IP_HEADER) !== source.port || fields.getUint16(IP_HEADER + 2) !== destination.port)
    return undefined;
  return packet.slice(IP_HEADER + UDP_HEADER);
}

/** An ICMP echo message: type 8 asks, type 0 answers. */
export interface Echo {
  readonly type: number;
  readonly identifier: number;
  readonly sequence: number;
}

export function buildEchoRequest(
  source: IpAddress,
  destination: IpAddress,
  identifier: number,
  sequence: number,
): Uint8Array {
  const message = new Uint8Array(64);
  const fields = new DataView(message.buffer);
  fields.setUint8(0, 8);
  fields.setUint16(4, identifier);
  fields.setUint16(6, sequence);
  fields.setUint16(2, internetChecksum(message));
  return buildIpv4Packet(PROTOCOL_ICMP, source, destination, message);
}

/** The echo message from `source` that the packet holds, if it does and its checksums are right. */
export function readEcho(packet: Uint8Array, source: IpAddress): Echo | undefined {
  if (packet[0] !== 0x45 || packet[9] !== PROTOCOL_ICMP) return undefined;
  if (!bytesEqual(packet.subarray(12, 16), source.bytes)) return undefined;
  const message = packet.slice(IP_HEADER);
  if (internetChecksum(packet.slice(0, IP_HEADER)) !== 0 || internetChecksum(message) !== 0) return undefined;
  const fields = new DataView(message.buffer);
  return { type: fields.getUint8(0), identifier: fields.getUint16(4), sequence: fields.getUint16(6) };
}

function buildIpv4Packet(protocol: number, source: IpAddress, destination: IpAddress, content: Uint8Array): Uint8Array {
  const packet = new Uint8Array(IP_HEADER + content.length);
  const fields = new DataView(packet.buffer);
  fields.setUint8(0, 0x45);
  fields.setUint16(2, packet.length);
  fields.setUint8(8, 64);
  fields.setUint8(9, protocol);
  packet.set(source.bytes, 12);
  packet.set(destination.bytes, 16);
  fields.setUint16(10, internetChecksum(packet.subarray(0, IP_HEADER)));
  packet.set(content, IP_HEADER);
  return packet;
}

/** RFC 1071: the one's complement of the one's complement sum of the 16-bit words; 0 over words that include it. */
function internetChecksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
