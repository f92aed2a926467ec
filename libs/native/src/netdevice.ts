// Configuring a network interface with the ioctls of netdevice(7): MTU, queue length, addresses, up. Used by libs/tun.
//
//   struct ifreq     { char ifr_name[16]; union of 24 bytes: int, short, or struct sockaddr }
//   struct in6_ifreq { struct in6_addr ifr6_addr; uint32_t ifr6_prefixlen; int ifr6_ifindex; }

import type { IpAddress } from '@shadownet/primitives';

import { type PinnedBlock, processArena } from './arena.js';
import { LITTLE_ENDIAN } from './byte-order.js';
import { AF_INET, AF_INET6, type Descriptor, libc, SOCK_DGRAM } from './libc.js';

const IFREQ_BYTES = 40;
const IN6_IFREQ_BYTES = 24;
const IFR_UNION = 16;
const IFNAMSIZ = 16;

const SIOCGIFFLAGS = 0x8913;
const SIOCSIFFLAGS = 0x8914;
const SIOCSIFADDR = 0x8916;
const SIOCSIFNETMASK = 0x891c;
const SIOCGIFMTU = 0x8921;
const SIOCSIFMTU = 0x8922;
const SIOCGIFINDEX = 0x8933;
const SIOCSIFTXQLEN = 0x8943;

const IFF_UP = 0x1;

/** The kernel's index of the interface. Every function here throws NativeError 'syscall-failed': ENODEV if it is unknown. */
export function interfaceIndex(name: string): number {
  return withIfreq(name, (request, ioctl) => {
    ioctl(SIOCGIFINDEX, 'SIOCGIFINDEX');
    return request.getInt32(IFR_UNION, LITTLE_ENDIAN);
  });
}

export interface InterfaceStatus {
  readonly index: number;
  readonly state: 'up' | 'down';
  readonly mtu: number;
}

/** How the interface is now, in the network namespace that `socket`, of any family, was opened in. */
export function interfaceStatus(socket: Descriptor, name: string): InterfaceStatus {
  const block = processArena().allocate(IFREQ_BYTES);
  const request = fieldsOf(block);
  try {
    writeInterfaceName(block.bytes, name);
    libc().ioctl(socket, SIOCGIFINDEX, block, `SIOCGIFINDEX ${name}`);
    const index = request.getInt32(IFR_UNION, LITTLE_ENDIAN);
    libc().ioctl(socket, SIOCGIFFLAGS, block, `SIOCGIFFLAGS ${name}`);
    const state = request.getInt16(IFR_UNION, LITTLE_ENDIAN) & IFF_UP ? 'up' : 'down';
    libc().ioctl(socket, SIOCGIFMTU, block, `SIOCGIFMTU ${name}`);
    return { index, state, mtu: request.getInt32(IFR_UNION, LITTLE_ENDIAN) };
  } finally {
    processArena().release(block);
  }
}

/** The largest IP packet that the interface carries, in bytes. */
export function setInterfaceMtu(name: string, mtu: number): void {
  withIfreq(name, (request, ioctl) => {
    request.setInt32(IFR_UNION, mtu, LITTLE_ENDIAN);
    ioctl(SIOCSIFMTU, 'SIOCSIFMTU');
  });
}

/** How many packets may wait for the interface. */
export function setInterfaceQueueLength(name: string, packets: number): void {
  withIfreq(name, (request, ioctl) => {
    request.setInt32(IFR_UNION, packets, LITTLE_ENDIAN);
    ioctl(SIOCSIFTXQLEN, 'SIOCSIFTXQLEN');
  });
}

/** Brings the interface up; the routes to its addresses' subnets appear with that. */
export function setInterfaceUp(name: string): void {
  setFlags(name, (flags) => flags | IFF_UP);
}

export function setInterfaceDown(name: string): void {
  setFlags(name, (flags) => flags & ~IFF_UP);
}

/**
 * Gives the interface an address in a subnet of `prefixLength` bits. IPv4 sets the interface's one address and replaces
 * an earlier one; IPv6 adds. EEXIST: an IPv6 address that it already has; EACCES: IPv6 is off on this interface.
 */
export function setInterfaceAddress(name: string, address: IpAddress, prefixLength: number): void {
  if (address.family === 4) setIpv4Address(name, address, prefixLength);
  else addIpv6Address(name, address, prefixLength);
}

function setIpv4Address(name: string, address: IpAddress, prefixLength: number): void {
  withIfreq(name, (request, ioctl) => {
    // struct sockaddr_in: family, port (0), address. The mask comes second: setting an address resets it.
    request.setUint16(IFR_UNION, AF_INET, LITTLE_ENDIAN);
    for (const [i, byte] of address.bytes.entries()) request.setUint8(IFR_UNION + 4 + i, byte);
    ioctl(SIOCSIFADDR, 'SIOCSIFADDR');
    request.setUint32(IFR_UNION + 4, prefixLength === 0 ? 0 : (0xffffffff << (32 - prefixLength)) >>> 0);
    ioctl(SIOCSIFNETMASK, 'SIOCSIFNETMASK');
  });
}

function addIpv6Address(name: string, address: IpAddress, prefixLength: number): void {
  const index = interfaceIndex(name);
  withControlSocket(AF_INET6, IN6_IFREQ_BYTES, (socket, block) => {
    const request = fieldsOf(block);
    block.bytes.set(address.bytes);
    request.setUint32(16, prefixLength, LITTLE_ENDIAN);
    request.setInt32(20, index, LITTLE_ENDIAN);
    libc().ioctl(socket, SIOCSIFADDR, block, 'SIOCSIFADDR (IPv6)');
  });
}

function setFlags(name: string, change: (flags: number) => number): void {
  withIfreq(name, (request, ioctl) => {
    ioctl(SIOCGIFFLAGS, 'SIOCGIFFLAGS');
    request.setInt16(IFR_UNION, change(request.getInt16(IFR_UNION, LITTLE_ENDIAN)), LITTLE_ENDIAN);
    ioctl(SIOCSIFFLAGS, 'SIOCSIFFLAGS');
  });
}

function withIfreq<T>(name: string, use: (request: DataView, ioctl: (request: number, name: string) => void) => T): T {
  return withControlSocket(AF_INET, IFREQ_BYTES, (socket, block) => {
    writeInterfaceName(block.bytes, name);
    return use(fieldsOf(block), (request, requestName) =>
      libc().ioctl(socket, request, block, `${requestName} ${name}`),
    );
  });
}

/** The name in ifr_name. */
export function readInterfaceName(ifreq: Uint8Array): string {
  const end = ifreq.indexOf(0);
  return String.fromCharCode(...ifreq.subarray(0, end < 0 || end > IFNAMSIZ ? IFNAMSIZ : end));
}

/** Fills ifr_name, the first 16 bytes, NUL-terminated. Throws RangeError unless `name` has 1…15 characters of ASCII. */
export function writeInterfaceName(ifreq: Uint8Array, name: string): void {
  if (!/^[!-~]+$/.test(name) || name.length >= IFNAMSIZ) throw new RangeError(`interface name ${JSON.stringify(name)}`);
  ifreq.fill(0, 0, IFNAMSIZ);
  for (let i = 0; i < name.length; i++) ifreq[i] = name.charCodeAt(i);
}

/** The interface ioctls go through any socket of the family. */
function withControlSocket<T>(family: number, length: number, use: (socket: Descriptor, block: PinnedBlock) => T): T {
  const block = processArena().allocate(length);
  const socket = libc().socket(family, SOCK_DGRAM, 0);
  try {
    return use(socket, block);
  } finally {
    libc().close(socket);
    processArena().release(block);
  }
}

function fieldsOf(block: PinnedBlock): DataView {
  return new DataView(block.bytes.buffer, block.bytes.byteOffset, block.bytes.length);
}
