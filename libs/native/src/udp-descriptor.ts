// UDP sockets that the caller keeps the descriptor of, since node:dgram hides its own: for options that Node has no word for.

import { processArena } from './arena.js';
import { LITTLE_ENDIAN } from './byte-order.js';
import { AF_INET, AF_INET6, type Descriptor, libc, SOCK_DGRAM } from './libc.js';

const SOL_SOCKET = 1;
const SO_MARK = 36;
const SO_REUSEADDR = 2;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const SOCKADDR_IN_BYTES = 16;
const SOCKADDR_IN6_BYTES = 28;

/**
 * A socket bound to `port` (0: any free one) on all addresses; 'dual' takes IPv4 as well as IPv6. Throws NativeError
 * 'syscall-failed': EADDRINUSE, EACCES, EAFNOSUPPORT where there is no IPv6.
 */
export function openUdpDescriptor(family: 'dual' | 'ipv4', port: number): Descriptor {
  const { bind, close, setsockopt, socket } = libc();
  const descriptor = socket(family === 'dual' ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
  // struct sockaddr_in and sockaddr_in6 begin alike, family and port; the addresses stay zero: any.
  const address = processArena().allocate(family === 'dual' ? SOCKADDR_IN6_BYTES : SOCKADDR_IN_BYTES);
  const fields = new DataView(address.bytes.buffer, address.bytes.byteOffset);
  fields.setUint16(0, family === 'dual' ? AF_INET6 : AF_INET, LITTLE_ENDIAN);
  fields.setUint16(2, port);
  try {
    if (family === 'dual') setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 0, 'IPV6_V6ONLY');
    bind(descriptor, address);
    return descriptor;
  } catch (error) {
    close(descriptor);
    throw error;
  } finally {
    processArena().release(address);
  }
}

/** What the socket sends carries `mark`, for policy routing and firewalls; 0 is none. Needs CAP_NET_ADMIN (EPERM). */
export function setSocketMark(socket: Descriptor, mark: number): void {
  libc().setsockopt(socket, SOL_SOCKET, SO_MARK, mark | 0, 'SO_MARK');
}

/** Takes back SO_REUSEADDR, by which another process could bind the same port. */
export function forbidAddressReuse(socket: Descriptor): void {
  libc().setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, 0, 'SO_REUSEADDR');
}
