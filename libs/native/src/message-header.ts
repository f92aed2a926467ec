// The msghdr of sendmsg(2) and recvmsg(2) with what hangs on it: the peer's address, the iovec and the control messages of
// udp(7) and ip(7), laid out in pinned memory (bits/socket.h, linux/udp.h; offsets for LP64).
//
//   struct msghdr  { void *name; u32 namelen; struct iovec *iov; size_t iovlen; void *control; size_t controllen; int flags }
//   struct iovec   { void *base; size_t len }
//   struct cmsghdr { size_t len; int level; int type } data, each aligned to 8

import { ipAddressFromBytes, type Endpoint, type IpAddress } from '@shadownet/primitives';

import { type PinnedBlock, processArena } from './arena.js';
import { AF_INET, AF_INET6 } from './libc.js';
import { setPointer } from './machine.js';

export const SOL_IP = 0;
export const SOL_UDP = 17;
export const SOL_IPV6 = 41;
const IP_TOS = 1;
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
/** Of one control message that carries at most 8 bytes. */
const CMSG_SPACE = CMSGHDR_BYTES + 8;
/** Room for more control messages than are asked for: a truncated list would lose the GRO size. */
const CONTROL_BYTES = 256;

const SOCKADDR_IN_BYTES = 16;
const SOCKADDR_IN6_BYTES = 28;

/** A socket's own family: on an IPv6 socket IPv4 peers have mapped addresses. */
export type SocketFamily = 4 | 6;

const V4_MAPPED = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff);

/** A socket address in pinned memory. */
class SocketAddress {
  readonly block: PinnedBlock = processArena().allocate(SOCKADDR_IN6_BYTES);
  readonly fields = fieldsOf(this.block);
  readonly length: number;

  constructor(readonly family: SocketFamily) {
    this.length = family === 4 ? SOCKADDR_IN_BYTES : SOCKADDR_IN6_BYTES;
  }

  /** `address` has 4 or 16 bytes; IPv6 only on an IPv6 socket. */
  set(address: Uint8Array, port: number): void {
    const { bytes } = this.block;
    bytes.fill(0);
    this.fields.setUint16(0, this.family === 4 ? AF_INET : AF_INET6, true);
    this.fields.setUint16(2, port);
    if (this.family === 4) return bytes.set(address, 4);
    if (address.length === 16) return bytes.set(address, 8);
    bytes.set(V4_MAPPED, 8);
    bytes.set(address, 20);
  }

  get port(): number {
    return this.fields.getUint16(2);
  }

  address(): IpAddress {
    return ipAddressFromBytes(this.family === 4 ? this.block.bytes.subarray(4, 8) : this.block.bytes.subarray(8, 24));
  }
}

export class SendHeader {
  readonly address: number;
  readonly #fields: DataView;
  readonly #iovec: DataView;
  readonly #control: DataView;
  readonly #name: SocketAddress;
  readonly #blocks: readonly PinnedBlock[];

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
    setPointer(this.#fields, NAME, this.#name.block.address);
    this.#fields.setUint32(NAME_LENGTH, this.#name.length, true);
    setPointer(this.#fields, IOV, iovec.address);
    setPointer(this.#fields, IOV_COUNT, 1);
    setPointer(this.#fields, CONTROL, control.address);
  }

  /** Where to send from now on: 4 or 16 bytes, and a port. */
  setDestination(address: Uint8Array, port: number): void {
    this.#name.set(address, port);
  }

  /**
   * What the next sendmsg sends: `length` bytes at `address`, as datagrams of `segmentSize` bytes if that is less than the
   * length (udp(7) UDP_SEGMENT). `trafficClass` is the outer DSCP and ECN byte; 0 leaves the socket's own, which is 0.
   */
  setPayload(address: number, length: number, segmentSize: number, trafficClass: number, toIpv4: boolean): void {
    setPointer(this.#iovec, 0, address);
    setPointer(this.#iovec, 8, length);
    let used = 0;
    if (segmentSize < length) {
      this.#writeControl(used, 2, SOL_UDP, UDP_SEGMENT);
      this.#control.setUint16(used + CMSGHDR_BYTES, segmentSize, true);
      used += CMSG_SPACE;
    }
    if (trafficClass !== 0) {
      this.#writeControl(used, 4, toIpv4 ? SOL_IP : SOL_IPV6, toIpv4 ? IP_TOS : IPV6_TCLASS);
      this.#control.setInt32(used + CMSGHDR_BYTES, trafficClass, true);
      used += CMSG_SPACE;
    }
    this.#fields.setUint32(CONTROL_LENGTH, used, true);
  }

  /** Gives its memory back; it must not be used any more. */
  release(): void {
    for (const block of this.#blocks) processArena().release(block);
  }

  #writeControl(offset: number, dataLength: number, level: number, type: number): void {
    setPointer(this.#control, offset, CMSGHDR_BYTES + dataLength);
    this.#control.setInt32(offset + 8, level, true);
    this.#control.setInt32(offset + 12, type, true);
  }
}

export class ReceiveHeader {
  readonly address: number;
  /** The source address as the kernel wrote it: equal bytes are equal sources. */
  readonly sourceBytes: Uint8Array;
  /** After `parse`: the size of the datagrams that were joined, or 0 if there is only one. */
  segmentSize = 0;
  /** After `parse`: DSCP and ECN of the outer packets. */
  trafficClass = 0;
  readonly #fields: DataView;
  readonly #control: DataView;
  readonly #name: SocketAddress;
  readonly #blocks: readonly PinnedBlock[];

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
    this.sourceBytes = this.#name.block.bytes.subarray(0, this.#name.length);
    this.address = header.address;
    this.#fields = fieldsOf(header);
    this.#control = fieldsOf(control);
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
    const end = this.#fields.getUint32(CONTROL_LENGTH, true);
    for (let at = 0; at + CMSGHDR_BYTES <= end;) {
      const length = this.#control.getUint32(at, true);
      if (length < CMSGHDR_BYTES || at + length > CONTROL_BYTES) return;
      const level = this.#control.getInt32(at + 8, true);
      const type = this.#control.getInt32(at + 12, true);
      if (level === SOL_UDP && type === UDP_GRO) this.segmentSize = this.#control.getInt32(at + CMSGHDR_BYTES, true);
      // One byte for IPv4, an int for IPv6: the first byte has it in both.
      else if ((level === SOL_IP && type === IP_TOS) || (level === SOL_IPV6 && type === IPV6_TCLASS)) {
        this.trafficClass = this.#control.getUint8(at + CMSGHDR_BYTES);
      }
      at += (length + 7) & ~7;
    }
  }

  get sourcePort(): number {
    return this.#name.port;
  }

  /** A copy, with mapped IPv4 addresses as IPv4; for what is not a packet of every day. */
  source(): Endpoint {
    return { address: this.#name.address(), port: this.#name.port };
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

function fieldsOf(block: PinnedBlock): DataView {
  return new DataView(block.bytes.buffer, block.bytes.byteOffset, block.bytes.length);
}
