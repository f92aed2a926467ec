// The relay's WebSockets on an HTTP server: whoever upgrades at RELAY_PATH talks to the relay in binary messages. What the relay has
// not taken yet is bounded, for one client and for all: beyond that nobody is read from, which TCP passes on. So no turn of the
// event loop is long, and requests to the same server are answered in between.

import type { IncomingMessage, Server } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { endpoint, formatEndpoint, parseIpAddress } from '@shadownet/primitives';
import { MAX_STREAM_MESSAGE_BYTES } from '@shadownet/relay';
import { type WebSocket, WebSocketServer } from 'ws';
import type { RelayHost } from './relay-host.js';

export const RELAY_PATH = '/relay/v1';
/** Where a relay that stands alone is told of revocations, beside it. */
export const REVOCATIONS_PATH = `${RELAY_PATH}/revocations`;

/** Of one client, and of all: enough for 1 Gbit/s at the few milliseconds that the relay's thread takes. */
const MAX_UNTAKEN_BYTES = 128 * 1024;
const MAX_UNTAKEN_BYTES_OF_ALL = 192 * 1024;
const MAX_WEB_SOCKETS = 8192;
/** As WebSocket close codes go (RFC 6455 §7.4.1). */
const UNSUPPORTED_DATA = 1003;
const GOING_AWAY = 1001;

/** What takes the messages. */
export type StreamHost = Pick<RelayHost, 'openStream' | 'takeMessage' | 'sent' | 'streamClosed'>;

interface Client {
  readonly webSocket: WebSocket;
  /** Bytes handed to the relay and not yet taken. */
  untaken: number;
}

export class RelayWebSockets {
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_STREAM_MESSAGE_BYTES,
    perMessageDeflate: false,
    clientTracking: true,
  });
  readonly #onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Not read from at present, the longest first. */
  readonly #paused = new Set<Client>();
  #untaken = 0;

  /** Other upgrades at this server are refused. */
  constructor(
    private readonly http: Server | SecureServer,
    private readonly host: StreamHost,
  ) {
    this.#onUpgrade = (request, socket, head) => {
      const path = new URL(request.url ?? '/', 'http://relay').pathname;
      if (path !== RELAY_PATH) return refuse(socket, '404 Not Found');
      if (this.#server.clients.size >= MAX_WEB_SOCKETS) return refuse(socket, '503 Service Unavailable');
      this.#server.handleUpgrade(request, socket, head, (webSocket) => this.#attach(webSocket, request));
    };
    http.on('upgrade', this.#onUpgrade);
  }

  get size(): number {
    return this.#server.clients.size;
  }

  close(): void {
    this.http.off('upgrade', this.#onUpgrade);
    for (const webSocket of this.#server.clients) webSocket.terminate();
    this.#server.close();
  }

  #attach(webSocket: WebSocket, request: IncomingMessage): void {
    const { host } = this;
    const address = parseIpAddress(request.socket.remoteAddress ?? '');
    const port = request.socket.remotePort;
    if (!address || !port) return webSocket.terminate();
    const client: Client = { webSocket, untaken: 0 };
    const stream = host.openStream(formatEndpoint(endpoint(address, port)), {
      send: (message) => webSocket.send(message, { binary: true }, () => host.sent(stream, message.length)),
      taken: (bytes) => this.#taken(client, bytes),
      close: () => webSocket.close(GOING_AWAY),
    });
    webSocket.binaryType = 'arraybuffer';
    webSocket.on('message', (data, isBinary) => {
      if (!isBinary || !(data instanceof ArrayBuffer)) return webSocket.close(UNSUPPORTED_DATA);
      this.#took(client, data.byteLength);
      host.takeMessage(stream, new Uint8Array(data));
    });
    // An error is followed by 'close'.
    webSocket.on('error', () => {});
    webSocket.on('close', () => {
      this.#paused.delete(client);
      this.#taken(client, client.untaken);
      host.streamClosed(stream);
    });
  }

  #took(client: Client, bytes: number): void {
    client.untaken += bytes;
    this.#untaken += bytes;
    if (client.untaken < MAX_UNTAKEN_BYTES && this.#untaken < MAX_UNTAKEN_BYTES_OF_ALL) return;
    client.webSocket.pause();
    this.#paused.add(client);
  }

  /** Reads again from those that have waited longest, as far as there is room. */
  #taken(client: Client, bytes: number): void {
    const counted = Math.min(bytes, client.untaken);
    client.untaken -= counted;
    this.#untaken -= counted;
    for (const waiting of this.#paused) {
      if (this.#untaken >= MAX_UNTAKEN_BYTES_OF_ALL / 2) return;
      if (waiting.untaken >= MAX_UNTAKEN_BYTES / 2) continue;
      this.#paused.delete(waiting);
      waiting.webSocket.resume();
    }
  }
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
