// The msghdr of sendmsg(2) and recvmsg(2) with what hangs on it: the peer's address, the iovec and the control messages of
// udp(7), ip(7) and ipv6(7), laid out in pinned memory (bits/socket.h, linux/udp.h; offsets for LP64).
//
//   struct msghdr  { void *name; u32 namelen; struct iovec *iov; size_t iovlen; void *control; size_t controllen; int flags }
//   struct iovec   { void *base; size_t len }
//   struct cmsghdr { size_t len; int level; int type } data, each aligned to 8
//
// Which address of ours a datagram was sent to, or leaves from, is an in_pktinfo on an IPv4 socket and an in6_pktinfo, for IPv4
// with mapped addresses, on an IPv6 one. No interface is named: that would make the kernel take its link for the destination's.
//
//   struct in_pktinfo  { int ifindex; struct in_addr spec_dst, addr }       struct in6_pktinfo { struct in6_addr addr; int ifindex }

import { type Endpoint, type IpAddress, ipAddressFromBytes, ipAddressScope } from '@shadownet/primitives';

import { release } from 'node:os';

import { type PinnedBlock, processArena } from './arena.js';
import { AF_INET, AF_INET6 } from './libc.js';
import { setPointer } from './machine.js';

const SOL_SOCKET = 1;
const SO_PRIORITY = 12;
/** The queue that is emptied first (linux/pkt_sched.h). */
const TC_PRIO_INTERACTIVE = 6;
export const SOL_IP = 0;
export const SOL_UDP = 17;
export const SOL_IPV6 = 41;
const IP_TOS = 1;
const IP_PKTINFO = 8;
const IPV6_PKTINFO = 50;
const IPV6_TCLASS = 67;
const UDP_SEGMENT = 103;
const UDP_GRO = 104;

const MSGHDR_BYTES = 56;
const NAME = 0;
const NAME_LENGTH = 8;
const IOV = 16;
const IOV_COUNT = 24;
const CONTROL = 32;
const CONTROL_LENGTH = 40;

const IOVEC_BYTES = 16;
const CMSGHDR_BYTES = 16;
const IN_PKTINFO_BYTES = 12;
const IN_PKTINFO_SPEC_DST = 4;
const IN6_PKTINFO_BYTES = 20;
/** Room for more control messages than are asked for: a truncated list would lose the GRO size. */
const CONTROL_BYTES = 256;

const SOCKADDR_IN_BYTES = 16;
const SOCKADDR_IN6_BYTES = 28;
const IPV6_BYTES = 16;

const ECN_MASK = 3;

const EINVAL = -22;
const EADDRNOTAVAIL = -99;
const ENETUNREACH = -101;

/** Whether sendmsg takes SO_PRIORITY as a control message; before Linux 6.14 it fails with EINVAL. */
const HAS_PRIORITIES = isLinuxSince(6, 14, release());

/** Exported for its test. */
export function isLinuxSince(major: number, minor: number, kernelRelease: string): boolean {
  const [ownMajor = 0, ownMinor = 0] = kernelRelease.split('.', 2).map((part) => Number.parseInt(part, 10));
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}

/** A socket's own family: on an IPv6 socket IPv4 peers have mapped addresses. */
export type SocketFamily = 4 | 6;

/** Whether sendmsg may have failed with `result` because the address to send from is not ours, or has no route. */
export function mayBeSourceRefusal(result: number): boolean {
  return result === EINVAL || result === EADDRNOTAVAIL || result === ENETUNREACH;
}

const V4_MAPPED = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff);

/** A socket address in pinned memory. */
class SocketAddress {
  readonly block: PinnedBlock = processArena().allocate(SOCKADDR_IN6_BYTES);
  readonly fields = fieldsOf(this.block);
  readonly length: number;

  constructor(readonly family: SocketFamily) {
    this.length = family === 4 ? SOCKADDR_IN_BYTES : SOCKADDR_IN6_BYTES;
  }

  /** `address` has 4 or 16 bytes; IPv6 only on an IPv6 socket. `zone` is the interface of a link-local one, or 0. */
  set(address: Uint8Array, port: number, zone: number): void {
    const { bytes } = this.block;
    bytes.fill(0);
    this.fields.setUint16(0, this.family === 4 ? AF_INET : AF_INET6, true);
    this.fields.setUint16(2, port);
    if (this.family === 4) return bytes.set(address, 4);
    setMapped(bytes, 8, address);
    this.fields.setUint32(24, zone, true);
  }

  get port(): number {
    return this.fields.getUint16(2);
  }

  address(): IpAddress {
    return ipAddressFromBytes(this.family === 4 ? this.block.bytes.subarray(4, 8) : this.block.bytes.subarray(8, 24));
  }

  /** The kernel fills it in for link-local addresses only. */
  get zone(): number {
    return this.family === 4 ? 0 : this.fields.getUint32(24, true);
  }
}

export class SendHeader {
  readonly address: number;
  readonly #fields: DataView;
  readonly #iovec: DataView;
  readonly #control: DataView;
  readonly #controlBytes: Uint8Array;
  readonly #name: SocketAddress;
  readonly #blocks: readonly PinnedBlock[];
  #toIpv4 = false;
  /** Of the first control message, which stays from one payload to the next; 0 without a source. */
  #sourceLength = 0;

  constructor(readonly family: SocketFamily) {
    const arena = processArena();
    const header = arena.allocate(MSGHDR_BYTES);
    const iovec = arena.allocate(IOVEC_BYTES);
    const control = arena.allocate(CONTROL_BYTES);
    this.#name = new SocketAddress(family);
    this.#blocks = [header, iovec, control, this.#name.block];
    this.address = header.address;
    this.#fields = fieldsOf(header);
    this.#iovec = fieldsOf(iovec);
    this.#control = fieldsOf(control);
    this.#controlBytes = control.bytes;
    setPointer(this.#fields, NAME, this.#name.block.address);
    this.#fields.setUint32(NAME_LENGTH, this.#name.length, true);
    setPointer(this.#fields, IOV, iovec.address);
    setPointer(this.#fields, IOV_COUNT, 1);
    setPointer(this.#fields, CONTROL, control.address);
  }

  /** Where to send from now on: 4 or 16 bytes, a port, and the interface of a link-local address (0: none). */
  setDestination(address: Uint8Array, port: number, zone = 0): void {
    this.#name.set(address, port, zone);
    this.#toIpv4 = address.length === 4;
  }

  /** The address to send from, as many bytes as the destination's; `undefined` lets the system choose. */
  setSource(address: Uint8Array | undefined): void {
    this.#sourceLength = address ? this.#writeSource(address) : 0;
  }

  get hasSource(): boolean {
    return this.#sourceLength > 0;
  }

  /**
   * What the next sendmsg sends: `length` bytes at `address`, as datagrams of `segmentSize` bytes if that is less than the
   * length (udp(7) UDP_SEGMENT). `trafficClass` is the outer DSCP and ECN byte; 0 leaves the socket's own, which is 0.
   *
   * To IPv4, IP_TOS also chooses the queue under pfifo_fast, by a table that takes DSCP 0x88 for bulk: behind data it would never
   * leave. So a DSCP comes with a priority of its own, or is left out before Linux 6.14, which has no such control message.
   */
  setPayload(address: number, length: number, segmentSize: number, trafficClass: number): void {
    setPointer(this.#iovec, 0, address);
    setPointer(this.#iovec, 8, length);
    let used = this.#sourceLength;
    if (segmentSize < length) {
      const data = this.#beginControl(used, 2, SOL_UDP, UDP_SEGMENT);
      this.#control.setUint16(data, segmentSize, true);
      used = aligned(data + 2);
    }
    const mayMark = !this.#toIpv4 || HAS_PRIORITIES;
    const marks = mayMark ? trafficClass : trafficClass & ECN_MASK;
    if (marks !== 0)
      used = this.#writeInt(used, this.#toIpv4 ? SOL_IP : SOL_IPV6, this.#toIpv4 ? IP_TOS : IPV6_TCLASS, marks);
    if (marks > ECN_MASK && HAS_PRIORITIES) used = this.#writeInt(used, SOL_SOCKET, SO_PRIORITY, TC_PRIO_INTERACTIVE);
    this.#fields.setUint32(CONTROL_LENGTH, used, true);
  }

  /** Gives its memory back; it must not be used any more. */
  release(): void {
    for (const block of this.#blocks) processArena().release(block);
  }

  /** Returns its length. */
  #writeSource(source: Uint8Array): number {
    if (this.family === 4) {
      const data = this.#beginControl(0, IN_PKTINFO_BYTES, SOL_IP, IP_PKTINFO);
      this.#controlBytes.fill(0, data, data + IN_PKTINFO_BYTES);
      this.#controlBytes.set(source, data + IN_PKTINFO_SPEC_DST);
      return aligned(data + IN_PKTINFO_BYTES);
    }
    const data = this.#beginControl(0, IN6_PKTINFO_BYTES, SOL_IPV6, IPV6_PKTINFO);
    this.#controlBytes.fill(0, data, data + IN6_PKTINFO_BYTES);
    setMapped(this.#controlBytes, data, source);
    return aligned(data + IN6_PKTINFO_BYTES);
  }

  /** Returns where the next one goes. */
  #writeInt(offset: number, level: number, type: number, value: number): number {
    const data = this.#beginControl(offset, 4, level, type);
    this.#control.setInt32(data, value, true);
    return aligned(data + 4);
  }

  /** Where its data begins. */
  #beginControl(offset: number, dataLength: number, level: number, type: number): number {
    setPointer(this.#control, offset, CMSGHDR_BYTES + dataLength);
    this.#control.setInt32(offset + 8, level, true);
    this.#control.setInt32(offset + 12, type, true);
    return offset + CMSGHDR_BYTES;
  }
}

export class ReceiveHeader {
  readonly address: number;
  /** After `parse`: the size of the datagrams that were joined, or 0 if there is only one. */
  segmentSize = 0;
  /** After `parse`: DSCP and ECN of the outer packets. */
  trafficClass = 0;
  /** After `parse`: rises whenever the source, or the address of ours that it spoke to, is not that of the receive before. */
  flow = 0;
  readonly #fields: DataView;
  readonly #control: DataView;
  readonly #controlBytes: Uint8Array;
  readonly #name: SocketAddress;
  readonly #blocks: readonly PinnedBlock[];
  /** Where our own address lies among the control messages; 0 if it was not told. */
  #localAt = 0;
  /** Source and own address of the receive before, in words. */
  readonly #last = new Uint32Array((SOCKADDR_IN6_BYTES + IPV6_BYTES) / 4);

  /** Receives at most `length` bytes to `address`. */
  constructor(
    readonly family: SocketFamily,
    address: number,
    length: number,
  ) {
    const arena = processArena();
    const header = arena.allocate(MSGHDR_BYTES);
    const iovec = arena.allocate(IOVEC_BYTES);
    const control = arena.allocate(CONTROL_BYTES);
    this.#name = new SocketAddress(family);
    this.#blocks = [header, iovec, control, this.#name.block];
    this.address = header.address;
    this.#fields = fieldsOf(header);
    this.#control = fieldsOf(control);
    this.#controlBytes = control.bytes;
    setPointer(this.#fields, NAME, this.#name.block.address);
    setPointer(this.#fields, IOV, iovec.address);
    setPointer(this.#fields, IOV_COUNT, 1);
    setPointer(this.#fields, CONTROL, control.address);
    setPointer(fieldsOf(iovec), 0, address);
    setPointer(fieldsOf(iovec), 8, length);
  }

  /** Gives its memory back; it must not be used any more. */
  release(): void {
    for (const block of this.#blocks) processArena().release(block);
  }

  /** The kernel shortens both lengths to what it wrote: to be called before each recvmsg. */
  reset(): void {
    this.#fields.setUint32(NAME_LENGTH, this.#name.length, true);
    this.#fields.setUint32(CONTROL_LENGTH, CONTROL_BYTES, true);
  }

  /** Reads the control messages of a recvmsg that has just succeeded. */
  parse(): void {
    this.segmentSize = 0;
    this.trafficClass = 0;
    this.#localAt = 0;
    const end = this.#fields.getUint32(CONTROL_LENGTH, true);
    for (let at = 0; at + CMSGHDR_BYTES <= end;) {
      const length = this.#control.getUint32(at, true);
      if (length < CMSGHDR_BYTES || at + length > CONTROL_BYTES) break;
      this.#parseControl(
        this.#control.getInt32(at + 8, true),
        this.#control.getInt32(at + 12, true),
        at + CMSGHDR_BYTES,
      );
      at = aligned(at + length);
    }
    if (this.#hasOtherEnds()) this.flow++;
  }

  #parseControl(level: number, type: number, data: number): void {
    if (level === SOL_UDP && type === UDP_GRO) this.segmentSize = this.#control.getInt32(data, true);
    // One byte for IPv4, an int for IPv6: the first byte has it in both.
    else if ((level === SOL_IP && type === IP_TOS) || (level === SOL_IPV6 && type === IPV6_TCLASS)) {
      this.trafficClass = this.#control.getUint8(data);
    } else if (level === SOL_IP && type === IP_PKTINFO) this.#localAt = data + IN_PKTINFO_SPEC_DST;
    else if (level === SOL_IPV6 && type === IPV6_PKTINFO) this.#localAt = data;
  }

  /** Compares with the receive before, and keeps what is new. */
  #hasOtherEnds(): boolean {
    const last = this.#last;
    const nameWords = this.#name.length / 4;
    let differs = false;
    for (let i = 0; i < nameWords; i++) {
      const word = this.#name.fields.getUint32(i * 4, true);
      if (word !== last[i]) differs = true;
      last[i] = word;
    }
    const localWords = this.#localAt === 0 ? 0 : this.family === 4 ? 1 : 4;
    for (let i = 0; i < localWords; i++) {
      const word = this.#control.getUint32(this.#localAt + i * 4, true);
      if (word !== last[nameWords + i]) differs = true;
      last[nameWords + i] = word;
    }
    return differs;
  }

  get sourcePort(): number {
    return this.#name.port;
  }

  /** Whether that is the source. 4 or 16 bytes; `zone` as in an endpoint, 0 for none. */
  isFrom(address: Uint8Array, port: number, zone: number): boolean {
    const { block, port: ourPort, zone: ourZone } = this.#name;
    return port === ourPort && zone === ourZone && this.#equals(block.bytes, this.family === 4 ? 4 : 8, address);
  }

  /** Whether that is the address of ours that was spoken to; 4 or 16 bytes. True as well if there is none to be answered from. */
  isTo(address: Uint8Array | undefined): boolean {
    if (this.#localAt !== 0 && address) return this.#equals(this.#controlBytes, this.#localAt, address);
    return this.local() === undefined;
  }

  /** A copy, with mapped IPv4 addresses as IPv4; for what is not a packet of every day. */
  source(): Endpoint {
    const { port, zone } = this.#name;
    return { address: this.#name.address(), port, ...(zone !== 0 && { zone }) };
  }

  /** The address of ours that the datagrams were sent to, as a copy; `undefined` if it was not told, or is a group's. */
  local(): IpAddress | undefined {
    if (this.#localAt === 0) return undefined;
    const length = this.family === 4 ? 4 : IPV6_BYTES;
    const address = ipAddressFromBytes(this.#controlBytes.subarray(this.#localAt, this.#localAt + length));
    return ipAddressScope(address) === 'multicast' ? undefined : address;
  }

  /** Whether `bytes` hold `address` at `at`, the way this socket writes addresses. */
  #equals(bytes: Uint8Array, at: number, address: Uint8Array): boolean {
    const isMapped = this.family === 6 && address.length === 4;
    if (isMapped && !holds(bytes, at, V4_MAPPED)) return false;
    return holds(bytes, isMapped ? at + V4_MAPPED.length : at, address);
  }
}

/** The iovecs of a writev, which gathers one packet from several places. */
export class GatherList {
  readonly address: number;
  count = 0;
  readonly #fields: DataView;

  constructor(readonly capacity: number) {
    const block = processArena().allocate(capacity * IOVEC_BYTES);
    this.address = block.address;
    this.#fields = fieldsOf(block);
  }

  add(address: number, length: number): void {
    setPointer(this.#fields, this.count * IOVEC_BYTES, address);
    setPointer(this.#fields, this.count * IOVEC_BYTES + 8, length);
    this.count++;
  }

  setLength(index: number, length: number): void {
    setPointer(this.#fields, index * IOVEC_BYTES + 8, length);
  }
}

/** Writes 16 bytes: `address`, which has as many, or the mapped form of an IPv4 one. */
function setMapped(bytes: Uint8Array, at: number, address: Uint8Array): void {
  if (address.length === IPV6_BYTES) return bytes.set(address, at);
  bytes.set(V4_MAPPED, at);
  bytes.set(address, at + V4_MAPPED.length);
}

function holds(bytes: Uint8Array, at: number, part: Uint8Array): boolean {
  for (let i = 0; i < part.length; i++) if (bytes[at + i] !== part[i]) return false;
  return true;
}

function aligned(offset: number): number {
  return (offset + 7) & ~7;
}

function fieldsOf(block: PinnedBlock): DataView {
  return new DataView(block.bytes.buffer, block.bytes.byteOffset, block.bytes.length);
}
