// Cuts what an offloading TUN delivers into packets that fit the wire, in place: the header of each packet is written right
// in front of its payload, over the end of the packet before, which has left already. Nothing of the payload moves.
//
// Each packet has its own length, IP identification (RFC 6864 §4), sequence number and checksums; FIN and PSH stay on the
// last, CWR on the first. Used by transmit-worker.ts.

import { checksumOf, fieldSum } from './checksum.js';
import { plainSum, type SumBytes } from './summing-memory.js';
import {
  GSO,
  GSO_ECN,
  IPV4,
  IPV6,
  NEEDS_CHECKSUM,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  TCP,
  TCP_CWR,
  TCP_FIN,
  TCP_PSH,
  UDP,
  VIRTIO,
  VIRTIO_HEADER_LENGTH,
} from './virtio-header.js';

/** IPv4 with all options and TCP with all options have 120; IPv6 extension headers beyond this are not cut. */
const MAX_HEADERS = 256;

export class SuperpacketCutter {
  /** The packet that `next` has made: where it begins in the buffer, and its length. */
  at = 0;
  length = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #sum: SumBytes;
  readonly #headers = new Uint8Array(MAX_HEADERS);
  #template = this.#headers;
  #start = 0;
  #payload = 0;
  #end = 0;
  #segmentSize = 0;
  #transport = 0;
  #headerLength = 0;
  #index = 0;
  #isTcp = false;
  #isIpv4 = false;
  #identification = 0;
  #sequence = 0;
  #flags = 0;
  #ipSum = 0;
  #transportSum = 0;

  /** Cuts in `bytes`, where superpackets will be read to; `sum` sums in the same bytes. */
  constructor(bytes: Uint8Array, sum: SumBytes = plainSum(bytes)) {
    this.#bytes = bytes;
    this.#sum = sum;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /**
   * Looks at what was read: a virtio header at `offset` and its packet, up to `end`. Returns into how many packets it will be
   * cut; 0 if it is malformed. `next` is then to be called so often; each call ends the use of the packet before.
   */
  begin(offset: number, end: number): number {
    const start = offset + VIRTIO_HEADER_LENGTH;
    if (end - start < 1) return 0;
    const view = this.#view;
    const flags = view.getUint8(offset + VIRTIO.flags);
    const gsoType = view.getUint8(offset + VIRTIO.gsoType) & ~GSO_ECN;
    const checksumStart = view.getUint16(offset + VIRTIO.checksumStart, true);
    this.#start = start;
    this.#end = end;
    this.#index = 0;
    if (gsoType === GSO.none) {
      this.#segmentSize = 0;
      if ((flags & NEEDS_CHECKSUM) === 0) return 1;
      const field = checksumStart + view.getUint16(offset + VIRTIO.checksumOffset, true);
      return this.#completeChecksum(start + checksumStart, start + field) ? 1 : 0;
    }
    if ((flags & NEEDS_CHECKSUM) === 0) return 0;
    return this.#prepare(gsoType, view.getUint16(offset + VIRTIO.segmentSize, true), checksumStart);
  }

  /** Makes the next packet, the first one of `begin` first. */
  next(): void {
    const index = this.#index++;
    if (this.#segmentSize === 0) {
      this.at = this.#start;
      this.length = this.#end - this.#start;
      return;
    }
    const view = this.#view;
    const payloadAt = this.#payload + index * this.#segmentSize;
    const payloadLength = Math.min(this.#segmentSize, this.#end - payloadAt);
    const at = payloadAt - this.#headerLength;
    const transport = at + this.#transport;
    const transportLength = this.#headerLength - this.#transport + payloadLength;
    if (index > 0) this.#bytes.set(this.#template, at);
    this.at = at;
    this.length = this.#headerLength + payloadLength;

    if (this.#isIpv4) {
      const identification = (this.#identification + index) & 0xffff;
      view.setUint16(at + IPV4.totalLength, this.length);
      view.setUint16(at + IPV4.id, identification);
      const sum = this.#ipSum + fieldSum(this.length) + fieldSum(identification);
      view.setUint16(at + IPV4.checksum, checksumOf(sum));
    } else view.setUint16(at + IPV6.payloadLength, this.length - IPV6.headerLength);

    let sum = this.#transportSum + fieldSum(transportLength) + this.#sum(payloadAt, payloadLength);
    if (this.#isTcp) {
      const isLast = payloadAt + payloadLength === this.#end;
      const sequence = (this.#sequence + index * this.#segmentSize) >>> 0;
      const flags = this.#flags & (index === 0 ? 0xff : ~TCP_CWR) & (isLast ? 0xff : ~(TCP_FIN | TCP_PSH));
      view.setUint32(transport + TCP.sequence, sequence);
      view.setUint8(transport + TCP.flags, flags);
      sum += fieldSum(sequence >>> 16) + fieldSum(sequence & 0xffff) + flags * 0x100;
      view.setUint16(transport + TCP.checksum, checksumOf(sum));
    } else {
      view.setUint16(transport + UDP.length, transportLength);
      // The length stands in the pseudo-header and in the header.
      const checksum = checksumOf(sum + fieldSum(transportLength));
      view.setUint16(transport + UDP.checksum, checksum === 0 ? 0xffff : checksum);
    }
  }

  /** Checks the headers of a superpacket and sums up what all its packets have in common. */
  #prepare(gsoType: number, segmentSize: number, transport: number): number {
    const view = this.#view;
    const start = this.#start;
    const total = this.#end - start;
    this.#isTcp = gsoType !== GSO.udp;
    this.#isIpv4 = view.getUint8(start) >> 4 === 4;
    if (gsoType !== (this.#isTcp ? (this.#isIpv4 ? GSO.tcp4 : GSO.tcp6) : GSO.udp)) return 0;
    const ipHeader = this.#isIpv4 ? IPV4.headerLength : IPV6.headerLength;
    if (segmentSize === 0 || transport < ipHeader) return 0;
    if (total < transport + (this.#isTcp ? TCP.headerLength : UDP.headerLength)) return 0;
    const transportHeader = this.#isTcp
      ? (view.getUint8(start + transport + TCP.dataOffset) >> 4) * 4
      : UDP.headerLength;
    if (this.#isTcp && transportHeader < TCP.headerLength) return 0;
    const headerLength = transport + transportHeader;
    if (headerLength > MAX_HEADERS || headerLength >= total) return 0;

    this.#segmentSize = segmentSize;
    this.#transport = transport;
    this.#headerLength = headerLength;
    this.#payload = start + headerLength;
    this.#template = this.#headers.subarray(0, headerLength);
    this.#template.set(this.#bytes.subarray(start, start + headerLength));
    this.#sumHeaders(start);
    return Math.ceil((total - headerLength) / segmentSize);
  }

  /** The sums over headers and pseudo-header without the fields that differ from packet to packet. */
  #sumHeaders(start: number): void {
    const view = this.#view;
    const transport = start + this.#transport;
    if (this.#isIpv4) {
      this.#identification = view.getUint16(start + IPV4.id);
      view.setUint16(start + IPV4.totalLength, 0);
      view.setUint16(start + IPV4.id, 0);
      view.setUint16(start + IPV4.checksum, 0);
      this.#ipSum = this.#sum(start, this.#transport);
    }
    const addresses = this.#isIpv4 ? IPV4.source : IPV6.source;
    const protocol = this.#isTcp ? PROTOCOL_TCP : PROTOCOL_UDP;
    let sum = this.#sum(start + addresses, this.#isIpv4 ? 8 : 32) + fieldSum(protocol);
    if (this.#isTcp) {
      this.#sequence = view.getUint32(transport + TCP.sequence);
      this.#flags = view.getUint8(transport + TCP.flags);
      view.setUint32(transport + TCP.sequence, 0);
      view.setUint8(transport + TCP.flags, 0);
      view.setUint16(transport + TCP.checksum, 0);
    } else {
      view.setUint16(transport + UDP.length, 0);
      view.setUint16(transport + UDP.checksum, 0);
    }
    sum += this.#sum(transport, this.#headerLength - this.#transport);
    this.#transportSum = sum;
  }

  /** The field holds the pseudo-header's sum, which goes into the sum as it stands. */
  #completeChecksum(from: number, field: number): boolean {
    if (from >= this.#end || field + 2 > this.#end || field < from) return false;
    const checksum = checksumOf(this.#sum(from, this.#end - from));
    this.#view.setUint16(field, checksum === 0 ? 0xffff : checksum);
    return true;
  }
}
