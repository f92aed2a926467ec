// UDP sockets without a network, for tests: hosts with addresses whose datagrams arrive in order, in a later microtask.
// Loss, delay and NATs are the business of libs/testlab.

import { type Endpoint, formatEndpoint, type IpAddress } from '@shadownet/primitives';

import { UdpError } from './udp-error.js';
import { countByName, type DatagramHandler, MAX_DATAGRAM_BYTES, newUdpCounters, type UdpSocket } from './udp-socket.js';

const FIRST_EPHEMERAL_PORT = 49_152;

/** A network in which every host reaches every other. */
export class MemoryUdpNetwork {
  readonly #sockets = new Map<string, MemoryUdp>();

  /** Opens a socket of the host that has `addresses`, at most one per family. Rejects with UdpError 'port-in-use'. */
  async open(addresses: readonly IpAddress[], { port = 0 }: { readonly port?: number } = {}): Promise<UdpSocket> {
    const chosen = port === 0 ? this.#freePort(addresses) : port;
    if (this.#isTaken(addresses, chosen)) {
      throw new UdpError('port-in-use', `UDP port ${chosen} is in use: stop what uses it or choose another port`);
    }
    const socket = new MemoryUdp(this.#sockets, addresses, chosen);
    for (const endpoint of socket.endpoints) this.#sockets.set(formatEndpoint(endpoint), socket);
    return socket;
  }

  #freePort(addresses: readonly IpAddress[]): number {
    let port = FIRST_EPHEMERAL_PORT;
    while (this.#isTaken(addresses, port)) port++;
    return port;
  }

  #isTaken(addresses: readonly IpAddress[], port: number): boolean {
    return addresses.some((address) => this.#sockets.has(formatEndpoint({ address, port })));
  }
}

class MemoryUdp implements UdpSocket {
  readonly counters = newUdpCounters();
  readonly endpoints: readonly Endpoint[];
  readonly families: readonly (4 | 6)[];
  #onDatagram: DatagramHandler = () => {};
  #state: 'open' | 'closed' = 'open';

  constructor(
    private readonly sockets: Map<string, MemoryUdp>,
    addresses: readonly IpAddress[],
    readonly port: number,
  ) {
    this.endpoints = addresses.map((address) => ({ address, port }));
    this.families = addresses.map(({ family }) => family);
  }

  onDatagram(handler: DatagramHandler): void {
    this.#onDatagram = handler;
  }

  send(datagram: Uint8Array, to: Endpoint): void {
    if (this.#state === 'closed') return countByName(this.counters.sendErrors, 'EBADF');
    const from = this.endpoints.find(({ address }) => address.family === to.address.family);
    if (!from) return countByName(this.counters.sendErrors, 'EAFNOSUPPORT');
    if (datagram.length > MAX_DATAGRAM_BYTES[to.address.family])
      return countByName(this.counters.sendErrors, 'EMSGSIZE');
    this.counters.datagramsSent++;
    const bytes = Uint8Array.from(datagram);
    queueMicrotask(() => this.sockets.get(formatEndpoint(to))?.receive(bytes, from));
  }

  receive(datagram: Uint8Array, from: Endpoint): void {
    this.counters.datagramsReceived++;
    this.#onDatagram(datagram, from);
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    for (const endpoint of this.endpoints) this.sockets.delete(formatEndpoint(endpoint));
  }
}
