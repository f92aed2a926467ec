// Opening the one UDP socket as a bare descriptor that several threads share, with segmentation offload both ways (udp(7)).
// Used by libs/udp.

import { formatIpAddress, type IpAddress } from '@shadownet/primitives';

import { type PinnedBlock, processArena } from './arena.js';
import { errnoName } from './errno.js';
import { AF_INET, AF_INET6, type Descriptor, libc, SOCK_DGRAM } from './libc.js';
import { SOL_IP, SOL_IPV6, SOL_UDP, type SocketFamily } from './message-header.js';
import { NativeError } from './native-error.js';
import { packetCalls } from './packet-calls.js';

const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_SNDBUF = 7;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const IP_PKTINFO = 8;
const IP_RECVTOS = 13;
const IPV6_V6ONLY = 26;
const IPV6_RECVPKTINFO = 49;
const IPV6_RECVTCLASS = 66;
const UDP_SEGMENT = 103;
const UDP_GRO = 104;

const SOCKADDR_BYTES = 28;

export interface OffloadUdpOptions {
  /** 0 for any free port. */
  readonly port: number;
  /** 6 also carries IPv4, unless `address` is given. */
  readonly family: SocketFamily;
  readonly address?: IpAddress;
  /** Asked of the system, in bytes; it counts the buffers' own overhead as well, and doubles what is asked for (socket(7)). */
  readonly receiveBufferBytes: number;
  readonly sendBufferBytes: number;
}

export interface OffloadUdpDescriptor {
  readonly descriptor: Descriptor;
  readonly port: number;
  readonly family: SocketFamily;
}

/**
 * Throws NativeError 'syscall-failed' with the errno of the call that failed, or 'native-unavailable' where the kernel lacks
 * UDP_SEGMENT (4.18) or UDP_GRO (5.0).
 */
export function openOffloadUdpDescriptor({
  port,
  family,
  address,
  receiveBufferBytes,
  sendBufferBytes,
}: OffloadUdpOptions): OffloadUdpDescriptor {
  const descriptor = libc().socket(family === 4 ? AF_INET : AF_INET6, SOCK_DGRAM, 0);
  try {
    if (family === 6) check('IPV6_V6ONLY', setOption(descriptor, SOL_IPV6, IPV6_V6ONLY, address ? 1 : 0));
    requireOffload('UDP_SEGMENT', setOption(descriptor, SOL_UDP, UDP_SEGMENT, 0));
    requireOffload('UDP_GRO', setOption(descriptor, SOL_UDP, UDP_GRO, 1));
    check('IP_RECVTOS', setOption(descriptor, SOL_IP, IP_RECVTOS, 1));
    if (family === 6) check('IPV6_RECVTCLASS', setOption(descriptor, SOL_IPV6, IPV6_RECVTCLASS, 1));
    if (!address) tellOwnAddress(descriptor, family);
    setBuffer(descriptor, SO_RCVBUFFORCE, SO_RCVBUF, receiveBufferBytes);
    setBuffer(descriptor, SO_SNDBUFFORCE, SO_SNDBUF, sendBufferBytes);
    return { descriptor, port: bindTo(descriptor, family, port, address), family };
  } catch (error) {
    libc().close(descriptor);
    throw error;
  }
}

/** A socket that is bound to one address knows which one it was. */
function tellOwnAddress(descriptor: Descriptor, family: SocketFamily): void {
  if (family === 4) check('IP_PKTINFO', setOption(descriptor, SOL_IP, IP_PKTINFO, 1));
  else check('IPV6_RECVPKTINFO', setOption(descriptor, SOL_IPV6, IPV6_RECVPKTINFO, 1));
}

/** Beyond the system's limit where the process may, up to it otherwise. A refusal costs packets under load, not the socket. */
function setBuffer(descriptor: Descriptor, forced: number, allowed: number, bytes: number): void {
  if (setOption(descriptor, SOL_SOCKET, forced, bytes) < 0) setOption(descriptor, SOL_SOCKET, allowed, bytes);
}

function bindTo(descriptor: Descriptor, family: SocketFamily, port: number, address: IpAddress | undefined): number {
  const length = family === 4 ? 16 : SOCKADDR_BYTES;
  return withBlock(SOCKADDR_BYTES, (name) =>
    withBlock(4, (lengthBlock) => {
      const fields = new DataView(name.bytes.buffer, name.bytes.byteOffset);
      fields.setUint16(0, family === 4 ? AF_INET : AF_INET6, true);
      fields.setUint16(2, port);
      if (address) name.bytes.set(address.bytes, family === 4 ? 4 : 8);
      const where = address ? `bind ${formatIpAddress(address)} port ${port}` : `bind port ${port}`;
      check(where, packetCalls().bind(descriptor, name.address, length));
      lengthBlock.bytes[0] = SOCKADDR_BYTES;
      check('getsockname', packetCalls().getsockname(descriptor, name.address, lengthBlock.address));
      return fields.getUint16(2);
    }),
  );
}

function setOption(descriptor: Descriptor, level: number, option: number, value: number): number {
  return withBlock(4, (block) => {
    new DataView(block.bytes.buffer, block.bytes.byteOffset).setInt32(0, value, true);
    return packetCalls().setsockopt(descriptor, level, option, block.address, 4);
  });
}

function requireOffload(name: string, result: number): void {
  if (result < 0) throw new NativeError('native-unavailable', `this kernel has no ${name} (${errnoName(result)})`);
}

function check(call: string, result: number): void {
  if (result >= 0) return;
  const errno = errnoName(result);
  throw new NativeError('syscall-failed', `${call}: ${errno}`, { errno });
}

function withBlock<T>(length: number, use: (block: PinnedBlock) => T): T {
  const block = processArena().allocate(length);
  try {
    return use(block);
  } finally {
    processArena().release(block);
  }
}
