// What a packet filter reads of an IP packet: addresses, protocol, ports, and whether it begins something (RFC 791, 792, 768, 8200, 4443,
// 9293). One object is used for all packets, so that judging allocates nothing.

import { PROTOCOL } from '@shadownet/policy';

/** `later-fragment`: no ports, which were in the first one. */
export type PacketShape = 'whole' | 'first-fragment' | 'later-fragment';

/**
 * What a packet is to the state of a flow: `opens` one (SYN without ACK, an ICMP request), goes on with it, or is an ICMP error about a
 * packet of the other direction. `redirect`: an ICMP message about routes, which no peer has a say in.
 */
export type PacketRole = 'opens' | 'continues' | 'error' | 'redirect';

/** How much of a transport header has to be there: of a packet that an ICMP error quotes only 8 bytes need to be (RFC 792). */
export type HeaderDepth = 'whole' | 'quoted';

export const TCP_FLAG = { fin: 1, syn: 2, rst: 4, ack: 16 } as const;

/** More extension headers than this, or more bytes of them, has no packet that means well. */
const MAX_EXTENSION_HEADERS = 8;
const MAX_EXTENSION_BYTES = 256;

const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
const V4_FRAGMENT_OFFSET = 0x1fff;
const V4_MORE_FRAGMENTS = 0x2000;

/** IPv6 next headers that are not a transport (RFC 8200 §4.1, RFC 4302, RFC 6275, RFC 7401, RFC 5533). */
const EXTENSION = {
  hopByHop: 0,
  routing: 43,
  fragment: 44,
  authentication: 51,
  destination: 60,
  mobility: 135,
} as const;
/** Deprecated as a way to bounce packets (RFC 5095). */
const ROUTING_TYPE_0 = 0;

/** Bytes of the transport headers that have to be in a packet, or in its first fragment. */
const MINIMUM_HEADER: ReadonlyMap<number, number> = new Map([
  [PROTOCOL.tcp, 20],
  [PROTOCOL.udp, 8],
  [PROTOCOL.sctp, 12],
  [PROTOCOL.icmp, 8],
  [PROTOCOL.icmpv6, 8],
]);
const QUOTED_HEADER = 8;
const TCP_FLAGS = 13;

const ICMP_ROLES: ReadonlyMap<number, PacketRole> = new Map([
  [0, 'continues'],
  [3, 'error'],
  [4, 'redirect'],
  [5, 'redirect'],
  [11, 'error'],
  [12, 'error'],
]);
const ICMPV6_ROLES: ReadonlyMap<number, PacketRole> = new Map([
  [1, 'error'],
  [2, 'error'],
  [3, 'error'],
  [4, 'error'],
  [129, 'continues'],
  [137, 'redirect'],
]);

export class PacketHeaders {
  family: 4 | 6 = 4;
  protocol = 0;
  shape: PacketShape = 'whole';
  role: PacketRole = 'continues';
  /** Of TCP, UDP and SCTP; the identifier of an ICMP echo is the port of the side that asked, and the other one 0. */
  sourcePort = 0;
  destinationPort = 0;
  tcpFlags = 0;
  /** Offsets into the view. */
  sourceAt = 0;
  destinationAt = 0;
  /** What an ICMP error quotes begins here. */
  quoteAt = 0;
  /** Of a fragment: the datagram's identification, and how many bytes lie before this one. */
  identification = 0;
  fragmentOffset = 0;

  #view!: DataView;
  #end = 0;

  /** False if the packet does not show what there is to know. Reads `length` bytes at `offset` at most; never throws. */
  read(view: DataView, offset: number, length: number, depth: HeaderDepth): boolean {
    this.#view = view;
    this.#end = offset + length;
    this.shape = 'whole';
    this.role = 'continues';
    this.sourcePort = 0;
    this.destinationPort = 0;
    this.tcpFlags = 0;
    switch (length > 0 ? view.getUint8(offset) >> 4 : 0) {
      case 4:
        return length >= IPV4_HEADER && this.#readIpv4(offset, depth);
      case 6:
        return length >= IPV6_HEADER && this.#readIpv6(offset, depth);
      default:
        return false;
    }
  }

  #readIpv4(at: number, depth: HeaderDepth): boolean {
    const view = this.#view;
    const header = (view.getUint8(at) & 15) * 4;
    if (header < IPV4_HEADER || at + header > this.#end) return false;
    this.family = 4;
    this.protocol = view.getUint8(at + 9);
    this.sourceAt = at + 12;
    this.destinationAt = at + 16;
    const fragment = view.getUint16(at + 6);
    this.#setFragment(
      view.getUint16(at + 4),
      (fragment & V4_FRAGMENT_OFFSET) * 8,
      (fragment & V4_MORE_FRAGMENTS) !== 0,
    );
    return this.#readTransport(at + header, depth);
  }

  #readIpv6(at: number, depth: HeaderDepth): boolean {
    const view = this.#view;
    this.family = 6;
    this.sourceAt = at + 8;
    this.destinationAt = at + 24;
    let next = view.getUint8(at + 6);
    let header = at + IPV6_HEADER;
    const last = header + MAX_EXTENSION_BYTES;
    for (let count = 0; ; count++) {
      const length = this.#extensionLength(next, header);
      if (length === 0) break;
      if (length < 0 || count === MAX_EXTENSION_HEADERS || header + length > Math.min(this.#end, last)) return false;
      if (next === EXTENSION.routing && view.getUint8(header + 2) === ROUTING_TYPE_0) return false;
      if (next === EXTENSION.fragment) {
        const fragment = view.getUint16(header + 2);
        this.#setFragment(view.getUint32(header + 4), fragment & 0xfff8, (fragment & 1) !== 0);
      }
      next = view.getUint8(header);
      header += length;
      // What follows is not a header, but the middle of something.
      if (this.shape === 'later-fragment') break;
    }
    this.protocol = next;
    return this.#readTransport(header, depth);
  }

  /** Bytes of the extension header; 0 if it is none, -1 if it is cut off. */
  #extensionLength(next: number, at: number): number {
    switch (next) {
      case EXTENSION.fragment:
        return at + 8 <= this.#end ? 8 : -1;
      case EXTENSION.hopByHop:
      case EXTENSION.routing:
      case EXTENSION.destination:
      case EXTENSION.mobility:
        return at + 8 <= this.#end ? (this.#view.getUint8(at + 1) + 1) * 8 : -1;
      case EXTENSION.authentication:
        return at + 8 <= this.#end ? (this.#view.getUint8(at + 1) + 2) * 4 : -1;
      default:
        return 0;
    }
  }

  #setFragment(identification: number, offset: number, more: boolean): void {
    this.identification = identification;
    this.fragmentOffset = offset;
    if (offset > 0) this.shape = 'later-fragment';
    else if (more) this.shape = 'first-fragment';
  }

  #readTransport(at: number, depth: HeaderDepth): boolean {
    if (this.shape === 'later-fragment') return true;
    const { protocol } = this;
    const minimum = MINIMUM_HEADER.get(protocol);
    if (minimum === undefined) return true;
    if (at + (depth === 'quoted' ? QUOTED_HEADER : minimum) > this.#end) return false;
    if (protocol === PROTOCOL.icmp || protocol === PROTOCOL.icmpv6) return this.#readIcmp(at);
    const view = this.#view;
    this.sourcePort = view.getUint16(at);
    this.destinationPort = view.getUint16(at + 2);
    if (protocol !== PROTOCOL.tcp || depth === 'quoted') return true;
    this.tcpFlags = view.getUint8(at + TCP_FLAGS);
    if ((this.tcpFlags & (TCP_FLAG.syn | TCP_FLAG.ack)) === TCP_FLAG.syn) this.role = 'opens';
    return true;
  }

  #readIcmp(at: number): boolean {
    const { family, protocol } = this;
    if ((protocol === PROTOCOL.icmp) !== (family === 4)) return false;
    const type = this.#view.getUint8(at);
    this.role = (family === 4 ? ICMP_ROLES : ICMPV6_ROLES).get(type) ?? 'opens';
    const identifier = this.#view.getUint16(at + 4);
    if (this.role === 'opens') this.sourcePort = identifier;
    else if (this.role === 'continues') this.destinationPort = identifier;
    else this.quoteAt = at + 8;
    return true;
  }
}
