// Joins consecutive segments of a flow into superpackets that the kernel takes in one write: the reverse of
// superpacket-cutter.ts. Packets stay where they were opened; a group lists the places of their payloads. Packets of one flow
// are never reordered: whatever cannot join ends the group that its flow has open. Used by receive-worker.ts.
//
// Joined are TCP segments with verified checksums, in sequence, with equal headers but for sequence, checksum, PSH and FIN, all
// of one size but the last, and likewise UDP datagrams where the kernel takes those. PSH, FIN or a short one ends a group.

import { checksumOf, fieldSum, foldSum } from './checksum.js';
import { plainSum, type SumBytes } from './summing-memory.js';
import {
  GSO,
  IPV4,
  IPV6,
  MAX_IP_LENGTH,
  NEEDS_CHECKSUM,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  TCP,
  TCP_ACK,
  TCP_FIN,
  TCP_PSH,
  UDP,
  VIRTIO,
  VIRTIO_HEADER_LENGTH,
} from './virtio-header.js';

/** A superpacket, or a packet on its own. `Owner` is whose packets it holds: groups of different owners are never joined. */
export interface PacketGroup<Owner> {
  owner: Owner;
  /** The first packet with its headers; the virtio header lies in the VIRTIO_HEADER_LENGTH bytes before it. */
  at: number;
  length: number;
  /** Where the payloads of the others begin, and how long they are: the first `payloads` entries. */
  payloads: number;
  readonly payloadAt: number[];
  readonly payloadLength: number[];
}

interface OpenGroup<Owner> extends PacketGroup<Owner> {
  state: 'open' | 'closed';
  protocol: number;
  transport: number;
  headerLength: number;
  segmentSize: number;
  /** Of the whole superpacket, from its IP header on. */
  total: number;
  nextSequence: number;
}

/** The kernel's own limit for segments in a UDP superpacket (UDP_MAX_SEGMENTS). */
const MAX_UDP_SEGMENTS = 64;
/** A FIN or a reset may come behind so many other flows and still end its group; beyond that all groups end. */
const MAX_OPEN_FLOWS = 32;

export class SegmentJoiner<Owner> {
  /** The first `count` are to be written, in this order, before `clear`. */
  readonly groups: OpenGroup<Owner>[] = [];
  count = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #sum: SumBytes;
  readonly #joinsUdp: boolean;
  #firstOpen = 0;

  /**
   * Joins packets that lie in `bytes`, each behind at least VIRTIO_HEADER_LENGTH bytes that may be overwritten; `sum` sums in
   * the same bytes.
   */
  constructor(bytes: Uint8Array, joinsUdp: boolean, sum: SumBytes = plainSum(bytes)) {
    this.#bytes = bytes;
    this.#sum = sum;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#joinsUdp = joinsUdp;
  }

  /** A whole IP packet of `length` bytes at `at`, by its own header, which the caller has checked. */
  add(at: number, length: number, owner: Owner): void {
    const view = this.#view;
    const isIpv4 = view.getUint8(at) >> 4 === 4;
    const transport = isIpv4 ? IPV4.headerLength : IPV6.headerLength;
    const protocol = view.getUint8(at + (isIpv4 ? IPV4.protocol : IPV6.nextHeader));
    const isTcp = protocol === PROTOCOL_TCP;
    const isPlain = !isIpv4 || (view.getUint8(at) === 0x45 && (view.getUint16(at + IPV4.fragment) & 0x3fff) === 0);
    const isWhole = length >= transport + (isTcp ? TCP.headerLength : UDP.headerLength);
    const canJoin = isPlain && isWhole && (isTcp || (this.#joinsUdp && protocol === PROTOCOL_UDP));
    if (!canJoin) {
      // A fragment, a packet with options or without ports may belong to any flow.
      if (!isPlain || !isWhole) this.#firstOpen = this.count;
      this.#addAlone(at, length, owner, protocol, transport);
      return;
    }
    const open = this.#findOpen(at, transport, protocol, isIpv4);
    const headerLength =
      transport + (isTcp ? (view.getUint8(at + transport + TCP.dataOffset) >> 4) * 4 : UDP.headerLength);
    if (!this.#isCandidate(at, length, transport, headerLength, isTcp, isIpv4)) {
      if (open) open.state = 'closed';
      this.#addAlone(at, length, owner, protocol, transport);
      return;
    }
    const payload = length - headerLength;
    if (open) {
      if (open.owner === owner && this.#continues(open, at, headerLength, payload, isIpv4)) {
        this.#append(open, at, headerLength, payload);
        return;
      }
      open.state = 'closed';
    }
    const group = this.#addAlone(at, length, owner, protocol, transport);
    group.headerLength = headerLength;
    group.segmentSize = payload;
    if (isTcp) {
      group.nextSequence = (view.getUint32(at + transport + TCP.sequence) + payload) >>> 0;
      if ((view.getUint8(at + transport + TCP.flags) & (TCP_PSH | TCP_FIN)) !== 0) return;
    }
    group.state = 'open';
  }

  /** Writes the virtio header and the headers of a group; it is complete then. */
  finish(group: OpenGroup<Owner>): void {
    const view = this.#view;
    const { at } = group;
    const header = at - VIRTIO_HEADER_LENGTH;
    this.#bytes.fill(0, header, at);
    if (group.payloads === 0) return;
    const isIpv4 = view.getUint8(at) >> 4 === 4;
    const isTcp = group.protocol === PROTOCOL_TCP;
    const { transport, total } = group;
    const transportLength = total - transport;
    if (isIpv4) {
      view.setUint16(at + IPV4.totalLength, total);
      view.setUint16(at + IPV4.checksum, 0);
      view.setUint16(at + IPV4.checksum, checksumOf(this.#sum(at, transport)));
    } else view.setUint16(at + IPV6.payloadLength, total - IPV6.headerLength);
    if (!isTcp) view.setUint16(at + transport + UDP.length, transportLength);
    // NEEDS_CHECKSUM: the field holds the pseudo-header's sum, not complemented.
    const pseudo = foldSum(this.#pseudoSum(at, isIpv4, group.protocol, transportLength));
    const checksumOffset = isTcp ? TCP.checksum : UDP.checksum;
    view.setUint16(at + transport + checksumOffset, pseudo);

    view.setUint8(header + VIRTIO.flags, NEEDS_CHECKSUM);
    view.setUint8(header + VIRTIO.gsoType, isTcp ? (isIpv4 ? GSO.tcp4 : GSO.tcp6) : GSO.udp);
    view.setUint16(header + VIRTIO.headerLength, group.headerLength, true);
    view.setUint16(header + VIRTIO.segmentSize, group.segmentSize, true);
    view.setUint16(header + VIRTIO.checksumStart, transport, true);
    view.setUint16(header + VIRTIO.checksumOffset, checksumOffset, true);
  }

  clear(): void {
    this.count = 0;
    this.#firstOpen = 0;
  }

  /** The open group of the packet's flow: addresses and ports are equal. */
  #findOpen(at: number, transport: number, protocol: number, isIpv4: boolean): OpenGroup<Owner> | undefined {
    const first = Math.max(this.#firstOpen, this.count - MAX_OPEN_FLOWS);
    for (let i = this.count - 1; i >= first; i--) {
      const group = this.groups[i]!;
      if (group.state !== 'open' || group.protocol !== protocol || group.transport !== transport) continue;
      if (this.#isSameFlow(group.at, at, transport, isIpv4)) return group;
    }
    this.#firstOpen = first;
    return undefined;
  }

  #isSameFlow(a: number, b: number, transport: number, isIpv4: boolean): boolean {
    const view = this.#view;
    if (view.getUint32(a + transport, true) !== view.getUint32(b + transport, true)) return false;
    const from = isIpv4 ? IPV4.source : IPV6.source;
    for (let offset = from; offset < transport; offset += 4) {
      if (view.getUint32(a + offset, true) !== view.getUint32(b + offset, true)) return false;
    }
    return true;
  }

  /** True if the packet may be part of a superpacket at all. */
  #isCandidate(
    at: number,
    length: number,
    transport: number,
    headerLength: number,
    isTcp: boolean,
    isIpv4: boolean,
  ): boolean {
    const view = this.#view;
    if (headerLength < transport + UDP.headerLength || length <= headerLength) return false;
    if (isTcp) {
      if (headerLength < transport + TCP.headerLength) return false;
      const flags = view.getUint8(at + transport + TCP.flags);
      if ((flags & ~(TCP_PSH | TCP_FIN)) !== TCP_ACK) return false;
    } else {
      if (view.getUint16(at + transport + UDP.length) !== length - transport) return false;
      // Zero says that there is none, which the kernel would take for one to be made.
      if (view.getUint16(at + transport + UDP.checksum) === 0) return false;
    }
    const transportLength = length - transport;
    const protocol = isTcp ? PROTOCOL_TCP : PROTOCOL_UDP;
    const sum = this.#pseudoSum(at, isIpv4, protocol, transportLength) + this.#sum(at + transport, transportLength);
    return foldSum(sum) === 0xffff;
  }

  #continues(group: OpenGroup<Owner>, at: number, headerLength: number, payload: number, isIpv4: boolean): boolean {
    const view = this.#view;
    const { transport } = group;
    const a = group.at;
    if (payload > group.segmentSize || group.total + payload > MAX_IP_LENGTH) return false;
    if (headerLength !== group.headerLength) return false;
    if (isIpv4) {
      // Traffic class, DF, TTL; lengths and identifications differ by nature.
      if (view.getUint8(a + IPV4.trafficClass) !== view.getUint8(at + IPV4.trafficClass)) return false;
      if (view.getUint16(a + IPV4.fragment) !== view.getUint16(at + IPV4.fragment)) return false;
      if (view.getUint8(a + IPV4.ttl) !== view.getUint8(at + IPV4.ttl)) return false;
    } else {
      if (view.getUint32(a, true) !== view.getUint32(at, true)) return false;
      if (view.getUint8(a + IPV6.hopLimit) !== view.getUint8(at + IPV6.hopLimit)) return false;
    }
    if (group.protocol === PROTOCOL_UDP) return group.payloads + 1 < MAX_UDP_SEGMENTS;
    const [first, other] = [a + transport, at + transport];
    if (view.getUint32(other + TCP.sequence) !== group.nextSequence) return false;
    // Beside the length of the header this has the reserved bits, among them AE of accurate ECN (RFC 9768).
    if (view.getUint8(first + TCP.dataOffset) !== view.getUint8(other + TCP.dataOffset)) return false;
    if (view.getUint32(first + TCP.acknowledgement) !== view.getUint32(other + TCP.acknowledgement)) return false;
    if (view.getUint16(first + TCP.window) !== view.getUint16(other + TCP.window)) return false;
    for (let offset = TCP.headerLength; offset < headerLength - transport; offset += 4) {
      if (view.getUint32(first + offset, true) !== view.getUint32(other + offset, true)) return false;
    }
    return true;
  }

  #append(group: OpenGroup<Owner>, at: number, headerLength: number, payload: number): void {
    const view = this.#view;
    group.payloadAt[group.payloads] = at + headerLength;
    group.payloadLength[group.payloads] = payload;
    group.payloads++;
    group.total += payload;
    if (payload < group.segmentSize) group.state = 'closed';
    if (group.protocol !== PROTOCOL_TCP) return;
    group.nextSequence = (group.nextSequence + payload) >>> 0;
    const ending = view.getUint8(at + group.transport + TCP.flags) & (TCP_PSH | TCP_FIN);
    if (ending === 0) return;
    group.state = 'closed';
    const flags = group.at + group.transport + TCP.flags;
    view.setUint8(flags, view.getUint8(flags) | ending);
  }

  #addAlone(at: number, length: number, owner: Owner, protocol: number, transport: number): OpenGroup<Owner> {
    const group = (this.groups[this.count++] ??= newGroup(owner));
    group.owner = owner;
    group.at = at;
    group.length = length;
    group.payloads = 0;
    group.state = 'closed';
    group.protocol = protocol;
    group.transport = transport;
    group.total = length;
    return group;
  }

  #pseudoSum(at: number, isIpv4: boolean, protocol: number, transportLength: number): number {
    const addresses = this.#sum(at + (isIpv4 ? IPV4.source : IPV6.source), isIpv4 ? 8 : 32);
    return addresses + fieldSum(protocol) + fieldSum(transportLength);
  }
}

function newGroup<Owner>(owner: Owner): OpenGroup<Owner> {
  return {
    owner,
    at: 0,
    length: 0,
    payloads: 0,
    payloadAt: [],
    payloadLength: [],
    state: 'closed',
    protocol: 0,
    transport: 0,
    headerLength: 0,
    segmentSize: 0,
    total: 0,
    nextSequence: 0,
  };
}
