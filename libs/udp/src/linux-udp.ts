// The portable socket on a descriptor of our own, so that it can carry a firewall mark, also one that changes while it is
// in use. Needs libs/native; used by shadownet-wg.

import { createSocket, type Socket } from 'node:dgram';

import { forbidAddressReuse, libc, NativeError, openUdpDescriptor, setSocketMark } from '@shadownet/native';

import { bindError, literalAddress, PortableUdp } from './portable-udp.js';
import { UdpError } from './udp-error.js';
import type { UdpSocket } from './udp-socket.js';

export interface LinuxUdpOptions {
  /** The local port on all addresses; 0 for any free one. */
  readonly port: number;
  /** The initial mark; 0 is none. */
  readonly mark: number;
}

export interface LinuxUdpSocket extends UdpSocket {
  /**
   * What is sent from now on carries `mark` (SO_MARK); 0 is none. Throws UdpError 'mark-not-permitted', or 'socket-failed'
   * after `close`.
   */
  setMark(mark: number): void;
}

/** Opens the socket: IPv6 and IPv4, or IPv4 alone where the system has no IPv6. Throws a UdpError. */
export function openLinuxUdp({ port, mark }: LinuxUdpOptions): LinuxUdpSocket {
  const { descriptor, families } = openDescriptor(port);
  try {
    if (mark !== 0) applyMark(descriptor, mark);
  } catch (error) {
    libc().close(descriptor);
    throw error;
  }
  const socket = createSocket({ type: families.includes(6) ? 'udp6' : 'udp4', lookup: literalAddress });
  // From here on libuv owns the descriptor and closes it with the socket.
  socket.bind({ fd: descriptor });
  forbidAddressReuse(descriptor);
  return new LinuxUdp(socket, families, descriptor);
}

class LinuxUdp extends PortableUdp implements LinuxUdpSocket {
  constructor(
    socket: Socket,
    families: readonly (4 | 6)[],
    private readonly descriptor: number,
  ) {
    super(socket, families);
  }

  setMark(mark: number): void {
    if (this.isClosed) throw new UdpError('socket-failed', 'the UDP socket is closed');
    applyMark(this.descriptor, mark);
  }
}

function openDescriptor(port: number): { readonly descriptor: number; readonly families: readonly (4 | 6)[] } {
  try {
    return { descriptor: openUdpDescriptor('dual', port), families: [4, 6] };
  } catch (error) {
    if (errnoOf(error) !== 'EAFNOSUPPORT') throw bindError(port, errnoOf(error), error);
  }
  try {
    return { descriptor: openUdpDescriptor('ipv4', port), families: [4] };
  } catch (error) {
    throw bindError(port, errnoOf(error), error);
  }
}

function errnoOf(error: unknown): string {
  return error instanceof NativeError && error.errno !== undefined ? error.errno : 'unknown';
}

function applyMark(descriptor: number, mark: number): void {
  try {
    setSocketMark(descriptor, mark);
  } catch (error) {
    throw new UdpError('mark-not-permitted', 'no permission to mark packets: run as root or grant CAP_NET_ADMIN', {
      cause: error,
    });
  }
}
