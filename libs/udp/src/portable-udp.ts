// A UDP socket on node:dgram: one dual-stack socket where the system has IPv6, an IPv4 one elsewhere. Runs on every
// platform; used by the node's runtime and by the STUN server of the control plane.

import { createSocket, type Socket } from 'node:dgram';

import { type Endpoint, formatIpAddress, type IpAddress } from '@shadownet/primitives';

import { AddressCache } from './address-cache.js';
import { UdpError } from './udp-error.js';
import { countByName, type DatagramHandler, newUdpCounters, type UdpSocket } from './udp-socket.js';

export interface PortableUdpOptions {
  /** The local port; 0, or none given, for any free one. */
  readonly port?: number;
  /** 'dual' (IPv6 and IPv4, or IPv4 alone where the system has no IPv6) unless told; 'ipv4' for IPv4 alone. */
  readonly family?: 'dual' | 'ipv4';
  /** Listens on this local address alone and in its family alone, whatever `family` says; on all addresses without it. */
  readonly address?: IpAddress;
}

/** Asked of the system, which may grant less: 40 ms at 800 Mbit/s while the event loop is busy. */
const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;

/** Bytes that may wait in the process while the socket's own buffer is full; what comes on top is dropped. */
const SEND_QUEUE_BYTES = 1024 * 1024;

/** What opening an IPv6 socket answers on a system without IPv6. */
const NO_IPV6: readonly string[] = ['EAFNOSUPPORT', 'EPROTONOSUPPORT', 'EADDRNOTAVAIL'];

/** Opens the socket. Rejects with a UdpError. */
export async function openPortableUdp({
  port = 0,
  family = 'dual',
  address,
}: PortableUdpOptions = {}): Promise<UdpSocket> {
  if (!Number.isInteger(port) || port < 0 || port > 0xffff) throw new RangeError(`port ${port}`);
  if (address) {
    try {
      return new PortableUdp(await bind(`udp${address.family}`, port, formatIpAddress(address)), [address.family]);
    } catch (error) {
      throw explain(port, error);
    }
  }
  if (family === 'dual') {
    try {
      return new PortableUdp(await bind('udp6', port), [4, 6]);
    } catch (error) {
      if (!NO_IPV6.includes(errorCode(error))) throw explain(port, error);
    }
  }
  try {
    return new PortableUdp(await bind('udp4', port), [4]);
  } catch (error) {
    throw explain(port, error);
  }
}

/** A bound socket of node:dgram; `linux-udp.ts` binds it in another way. */
export class PortableUdp implements UdpSocket {
  readonly port: number;
  readonly counters = newUdpCounters();
  readonly #addresses: AddressCache;
  #onDatagram: DatagramHandler = () => {};
  #closed: Promise<void> | undefined;

  constructor(
    private readonly socket: Socket,
    readonly families: readonly (4 | 6)[],
  ) {
    this.port = socket.address().port;
    this.#addresses = new AddressCache(families.includes(6));
    growBuffers(socket);
    socket.on('message', (message, source) => this.#receive(message, source.address, source.port));
    socket.on('error', (error) => countByName(this.counters.receiveErrors, errorCode(error)));
  }

  onDatagram(handler: DatagramHandler): void {
    this.#onDatagram = handler;
  }

  send(datagram: Uint8Array, to: Endpoint): void {
    if (this.#closed) return countByName(this.counters.sendErrors, 'EBADF');
    if (!this.families.includes(to.address.family)) return countByName(this.counters.sendErrors, 'EAFNOSUPPORT');
    if (this.socket.getSendQueueSize() > SEND_QUEUE_BYTES) return countByName(this.counters.sendErrors, 'ENOBUFS');
    // dgram keeps a reference to what it could not send at once, and the caller may reuse its bytes: hence the copy.
    this.socket.send(Buffer.from(datagram), to.port, this.#addresses.print(to), this.#onSent);
  }

  protected get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => this.socket.close(() => resolve()));
    return this.#closed;
  }

  readonly #onSent = (error: Error | null): void => {
    if (error) countByName(this.counters.sendErrors, errorCode(error));
    else this.counters.datagramsSent++;
  };

  #receive(message: Buffer, addressText: string, port: number): void {
    if (this.#closed) return;
    const source = this.#addresses.parse(addressText);
    if (!source || port === 0) return countByName(this.counters.receiveErrors, 'source-port-0');
    this.counters.datagramsReceived++;
    // A plain view: Buffer's own slice() would alias where Uint8Array's copies.
    this.#onDatagram(new Uint8Array(message.buffer, message.byteOffset, message.length), { ...source, port });
  }
}

function bind(type: 'udp4' | 'udp6', port: number, address?: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type, ipv6Only: type === 'udp6' && address !== undefined, lookup: literalAddress });
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    // 'exclusive': a cluster worker must not be handed a socket that it shares with others.
    socket.bind({ port, exclusive: true, ...(address !== undefined && { address }) }, () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}

/** All addresses here are literals. Answering at once, instead of on the next tick as dns.lookup does, sends at once. */
export function literalAddress(
  address: string,
  family: unknown,
  answer: (error: null, address: string, family: number) => void,
): void {
  answer(null, address, family === 4 ? 4 : 6);
}

/** Larger buffers ride out a busy event loop. A system that refuses costs packets under load, not the socket. */
function growBuffers(socket: Socket): void {
  for (const grow of [
    (): void => socket.setRecvBufferSize(SOCKET_BUFFER_BYTES),
    (): void => socket.setSendBufferSize(SOCKET_BUFFER_BYTES),
  ]) {
    try {
      grow();
    } catch {
      continue;
    }
  }
}

function explain(port: number, error: unknown): UdpError {
  return bindError(port, errorCode(error), error);
}

/** What the errno name of a failed bind means to the user. */
export function bindError(port: number, code: string, cause: unknown): UdpError {
  if (code === 'EADDRINUSE') {
    return new UdpError('port-in-use', `UDP port ${port} is in use: stop what uses it or choose another port`, {
      cause,
    });
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new UdpError('port-not-permitted', `no permission to use UDP port ${port}: choose one above 1023`, {
      cause,
    });
  }
  return new UdpError('socket-failed', `cannot open UDP port ${port}: ${code}`, { cause });
}

/** The errno name of a failed call of node:dgram. */
function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
}
