// A relay on the loopback interface for specs: the real core, by UDP and by WebSocket.

import type { AddressInfo } from 'node:net';
import type { Relay } from '@shadownet/contracts';
import { generatePrivateKey, nodeCrypto, SipHasher } from '@shadownet/crypto';
import { encodePublicKey, type Endpoint, endpoint, formatEndpoint, parseIpAddress } from '@shadownet/primitives';
import {
  readStreamMessage,
  type RelayLink,
  RelayServer,
  type RelayServerOutput,
  StreamMessageWriter,
} from '@shadownet/relay';
import { openPortableUdp, type UdpSocket } from '@shadownet/udp';
import { type WebSocket, WebSocketServer } from 'ws';
import { monotonicNow, secureRandom } from '../runtime/clock.js';

const LOOPBACK = parseIpAddress('127.0.0.1')!;

export class LoopbackRelay {
  readonly #server: RelayServer;
  readonly #streams = new Map<string, WebSocket>();
  #closed = false;

  private constructor(
    private readonly udp: UdpSocket,
    private readonly sockets: WebSocketServer,
  ) {
    this.#server = new RelayServer({
      ...{ crypto: nodeCrypto, random: secureRandom, hasher: new SipHasher() },
      privateKey: nodeCrypto.privateKey(generatePrivateKey(secureRandom)),
      admission: { admit: () => ({ ok: true, network: 'spec' }) },
    });
    udp.onDatagram((datagram, from) => {
      this.#server.handle(datagram, 0, datagram.length, udpLink(from), monotonicNow(), this.#output);
    });
    sockets.on('connection', (socket, { socket: { remotePort } }) => this.#accept(socket, remotePort ?? 0));
  }

  static async start(): Promise<LoopbackRelay> {
    const udp = await openPortableUdp({ address: LOOPBACK });
    const sockets = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await new Promise((resolve) => sockets.once('listening', resolve));
    return new LoopbackRelay(udp, sockets);
  }

  /** As a control server names it. */
  describe(id: string, by: 'udp' | 'stream'): Relay {
    const { port } = this.sockets.address() as AddressInfo;
    return {
      ...{ id, public_key: encodePublicKey(this.#server.publicKey), host: '127.0.0.1', ticket: null },
      udp_port: by === 'udp' ? this.udp.port : null,
      websocket_url: by === 'stream' ? `ws://127.0.0.1:${port}/relay/v1` : null,
    };
  }

  /** As kill -9 does: nobody is told. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const socket of this.sockets.clients) socket.terminate();
    this.sockets.close();
    await this.udp.close();
  }

  readonly #output: RelayServerOutput = {
    send: (bytes, at, length, to) => {
      if (to.kind === 'udp') return this.udp.send(bytes.slice(at, at + length), to.endpoint);
      const writer = new StreamMessageWriter();
      writer.add(bytes, at, length);
      this.#streams.get(to.id)?.send(writer.take());
    },
    close: (link) => this.#streams.get(link.id)?.close(),
  };

  #accept(socket: WebSocket, port: number): void {
    const link: RelayLink = { kind: 'stream', id: `stream ${port}`, endpoint: endpoint(LOOPBACK, port) };
    this.#streams.set(link.id, socket);
    socket.binaryType = 'arraybuffer';
    socket.on('message', (data) => {
      const message = new Uint8Array(data as ArrayBuffer);
      readStreamMessage(message, (at, length) => {
        this.#server.handle(message, at, length, link, monotonicNow(), this.#output);
      });
    });
  }
}

function udpLink(from: Endpoint): RelayLink {
  return { kind: 'udp', id: formatEndpoint(from), endpoint: from };
}
