// The node's socket with segmentation offload (UDP_SEGMENT, UDP_GRO), on a descriptor that the workers of libs/dataplane
// share. It receives by itself until it is handed over to them; from then on it gets the datagrams that they hand it, and
// still sends the core's own. Used by libs/dataplane.

import {
  type DescriptorWatch,
  errnoName,
  libc,
  mayBeSourceRefusal,
  MSG_DONTWAIT,
  NativeError,
  openOffloadUdpDescriptor,
  type OffloadUdpDescriptor,
  packetCalls,
  processArena,
  ReceiveHeader,
  SendHeader,
  setSocketMark,
  type SocketFamily,
  watchReadable,
} from '@shadownet/native';
import type { Endpoint, IpAddress } from '@shadownet/primitives';

import type { LinuxUdpOptions, LinuxUdpSocket } from './linux-udp.js';
import { bindError } from './portable-udp.js';
import { UdpError } from './udp-error.js';
import {
  countByName,
  type DatagramHandler,
  MAX_DATAGRAM_BYTES,
  newUdpCounters,
  type SendOptions,
} from './udp-socket.js';

/** 30 ms at 2 Gbit/s while the receiver is held up. */
const RECEIVE_BUFFER_BYTES = 7 * 1024 * 1024;
/**
 * What has been sent and has not left the machine: at most half a megabyte by the system's account, which is 0.2 s on an uplink of
 * 20 Mbit/s, and eight full batches on a fast one. All that stands in it delays the handshakes and probes behind it.
 */
const SEND_BUFFER_BYTES = 256 * 1024;
const RECEIVE_BYTES = 65_535;
const RECEIVES_PER_TURN = 64;
/** Datagrams of the core that wait for room in a send buffer which the workers keep full, and how often it is looked for. */
const MAX_WAITING = 64;
const RETRY_MS = 2;

export interface OffloadUdpSocket extends LinuxUdpSocket {
  readonly descriptor: number;
  readonly family: SocketFamily;
  /**
   * From now on others receive, and `deliver` what is for the handler. `close` waits for `letGo`, after which they use the
   * descriptor no more: its number may come to mean something else.
   */
  handOver(letGo: () => Promise<void>): void;
  deliver(datagram: Uint8Array, from: Endpoint, local: IpAddress | undefined): void;
}

/** A datagram that waits for room. */
interface Waiting {
  readonly datagram: Uint8Array;
  readonly to: Endpoint;
  readonly options: SendOptions;
}

const BY_DEFAULT: SendOptions = {};

/** IPv6 and IPv4, or IPv4 alone where the system has no IPv6. Throws a UdpError, or NativeError 'native-unavailable'. */
export function openOffloadUdp({ port, mark }: LinuxUdpOptions): OffloadUdpSocket {
  const opened = openDescriptor(port);
  try {
    if (mark !== 0) applyMark(opened.descriptor, mark);
    return new OffloadUdp(opened);
  } catch (error) {
    libc().close(opened.descriptor);
    throw error;
  }
}

type State =
  | { readonly kind: 'receiving'; readonly watch: DescriptorWatch }
  | { readonly kind: 'handed-over'; readonly letGo: () => Promise<void> }
  | { readonly kind: 'closed' };

class OffloadUdp implements OffloadUdpSocket {
  readonly descriptor: number;
  readonly family: SocketFamily;
  readonly port: number;
  readonly families: readonly (4 | 6)[];
  readonly counters = newUdpCounters();
  readonly #calls = packetCalls();
  readonly #outgoing = processArena().allocate(MAX_DATAGRAM_BYTES[6]);
  readonly #incoming = processArena().allocate(RECEIVE_BYTES);
  readonly #sendHeader: SendHeader;
  readonly #receiveHeader: ReceiveHeader;
  readonly #waiting: Waiting[] = [];
  #retry: NodeJS.Timeout | undefined;
  #state: State;
  #closing: Promise<void> | undefined;
  #onDatagram: DatagramHandler = () => {};

  constructor({ descriptor, family, port }: OffloadUdpDescriptor) {
    this.descriptor = descriptor;
    this.family = family;
    this.port = port;
    this.families = family === 6 ? [4, 6] : [4];
    this.#sendHeader = new SendHeader(family);
    this.#receiveHeader = new ReceiveHeader(family, this.#incoming.address, RECEIVE_BYTES);
    this.#state = { kind: 'receiving', watch: watchReadable(descriptor, () => this.#drain()) };
  }

  onDatagram(handler: DatagramHandler): void {
    this.#onDatagram = handler;
  }

  handOver(letGo: () => Promise<void>): void {
    if (this.#state.kind !== 'receiving') return;
    this.#state.watch.close();
    this.#state = { kind: 'handed-over', letGo };
  }

  deliver(datagram: Uint8Array, from: Endpoint, local: IpAddress | undefined): void {
    if (this.#state.kind === 'closed') return;
    this.counters.datagramsReceived++;
    this.#onDatagram(datagram, from, local);
  }

  send(datagram: Uint8Array, to: Endpoint, options: SendOptions = BY_DEFAULT): void {
    if (this.#state.kind === 'closed') return countByName(this.counters.sendErrors, 'EBADF');
    if (!this.families.includes(to.address.family)) return countByName(this.counters.sendErrors, 'EAFNOSUPPORT');
    if (datagram.length > MAX_DATAGRAM_BYTES[to.address.family]) {
      return countByName(this.counters.sendErrors, 'EMSGSIZE');
    }
    if (this.#waiting.length > 0 || !this.#transmit(datagram, to, options)) this.#keep({ datagram, to, options });
  }

  setMark(mark: number): void {
    if (this.#state.kind === 'closed') throw new UdpError('socket-failed', 'the UDP socket is closed');
    applyMark(this.descriptor, mark);
  }

  close(): Promise<void> {
    this.#closing ??= this.#release();
    return this.#closing;
  }

  async #release(): Promise<void> {
    const state = this.#state;
    this.#state = { kind: 'closed' };
    clearTimeout(this.#retry);
    if (state.kind === 'receiving') state.watch.close();
    if (state.kind === 'handed-over') await state.letGo();
    libc().close(this.descriptor);
    this.#sendHeader.release();
    this.#receiveHeader.release();
    processArena().release(this.#outgoing);
    processArena().release(this.#incoming);
  }

  /** False if the buffer is full. */
  #transmit(datagram: Uint8Array, to: Endpoint, { from, trafficClass = 0 }: SendOptions): boolean {
    const header = this.#sendHeader;
    this.#outgoing.bytes.set(datagram);
    header.setDestination(to.address.bytes, to.port, to.zone);
    header.setSource(from?.bytes);
    header.setPayload(this.#outgoing.address, datagram.length, datagram.length, trafficClass);
    let result = this.#calls.sendmsg(this.descriptor, header.address, MSG_DONTWAIT);
    if (from && mayBeSourceRefusal(result)) {
      header.setSource(undefined);
      header.setPayload(this.#outgoing.address, datagram.length, datagram.length, trafficClass);
      result = this.#calls.sendmsg(this.descriptor, header.address, MSG_DONTWAIT);
    }
    if (result >= 0) {
      this.counters.datagramsSent++;
      return true;
    }
    const error = errnoName(result);
    if (error === 'EAGAIN') return false;
    countByName(this.counters.sendErrors, error);
    return true;
  }

  /** Data that finds no room is sent again by whoever misses it; a lost probe or handshake message costs seconds. */
  #keep({ datagram, to, options }: Waiting): void {
    if (this.#waiting.length >= MAX_WAITING) return countByName(this.counters.sendErrors, 'EAGAIN');
    this.#waiting.push({ datagram: Uint8Array.from(datagram), to, options });
    this.#retry ??= setTimeout(() => this.#sendWaiting(), RETRY_MS);
  }

  #sendWaiting(): void {
    this.#retry = undefined;
    for (let [next] = this.#waiting; next; [next] = this.#waiting) {
      if (!this.#transmit(next.datagram, next.to, next.options)) break;
      this.#waiting.shift();
    }
    if (this.#waiting.length > 0) this.#retry = setTimeout(() => this.#sendWaiting(), RETRY_MS);
  }

  #drain(): void {
    const header = this.#receiveHeader;
    for (let receives = 0; receives < RECEIVES_PER_TURN && this.#state.kind === 'receiving'; receives++) {
      header.reset();
      const length = this.#calls.recvmsg(this.descriptor, header.address, MSG_DONTWAIT);
      if (length < 0) {
        const error = errnoName(length);
        if (error !== 'EAGAIN') countByName(this.counters.receiveErrors, error);
        return;
      }
      header.parse();
      this.#hand(header, length);
    }
  }

  /** One receive, which may be several datagrams of one source. */
  #hand(header: ReceiveHeader, length: number): void {
    if (header.sourcePort === 0) return countByName(this.counters.receiveErrors, 'source-port-0');
    const from = header.source();
    const local = header.local();
    const segment = header.segmentSize > 0 ? header.segmentSize : Math.max(1, length);
    let at = 0;
    do {
      this.deliver(this.#incoming.bytes.slice(at, Math.min(at + segment, length)), from, local);
      at += segment;
    } while (at < length);
  }
}

function openDescriptor(port: number): OffloadUdpDescriptor {
  const options = { port, receiveBufferBytes: RECEIVE_BUFFER_BYTES, sendBufferBytes: SEND_BUFFER_BYTES };
  try {
    return openOffloadUdpDescriptor({ ...options, family: 6 });
  } catch (error) {
    if (!(error instanceof NativeError) || error.code !== 'syscall-failed') throw error;
    if (error.errno !== 'EAFNOSUPPORT') throw bindError(port, error.errno ?? 'unknown', error);
  }
  try {
    return openOffloadUdpDescriptor({ ...options, family: 4 });
  } catch (error) {
    if (!(error instanceof NativeError) || error.code !== 'syscall-failed') throw error;
    throw bindError(port, error.errno ?? 'unknown', error);
  }
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
