// The relay's WebSockets on an HTTP server: whoever upgrades at RELAY_PATH talks to the relay in binary messages. A client that
// sends faster than the relay takes is not read from meanwhile, which TCP passes on to it.

import type { IncomingMessage, Server } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { endpoint, formatEndpoint, parseIpAddress } from '@shadownet/primitives';
import { MAX_STREAM_MESSAGE_BYTES } from '@shadownet/relay';
import { type WebSocket, WebSocketServer } from 'ws';
import type { RelayHost } from './relay-host.js';

export const RELAY_PATH = '/relay/v1';

/** Messages of one client that may wait for the relay. */
const MAX_UNTAKEN_BYTES = 1024 * 1024;
const MAX_WEB_SOCKETS = 8192;
/** As WebSocket close codes go (RFC 6455 §7.4.1). */
const UNSUPPORTED_DATA = 1003;
const GOING_AWAY = 1001;

export class RelayWebSockets {
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_STREAM_MESSAGE_BYTES,
    perMessageDeflate: false,
    clientTracking: true,
  });
  readonly #onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

  /** Other upgrades at this server are refused. */
  constructor(
    private readonly http: Server | SecureServer,
    host: RelayHost,
  ) {
    this.#onUpgrade = (request, socket, head) => {
      const path = new URL(request.url ?? '/', 'http://relay').pathname;
      if (path !== RELAY_PATH) return refuse(socket, '404 Not Found');
      if (this.#server.clients.size >= MAX_WEB_SOCKETS) return refuse(socket, '503 Service Unavailable');
      this.#server.handleUpgrade(request, socket, head, (webSocket) => attach(webSocket, request, host));
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
}

function attach(webSocket: WebSocket, request: IncomingMessage, host: RelayHost): void {
  const address = parseIpAddress(request.socket.remoteAddress ?? '');
  const port = request.socket.remotePort;
  if (!address || !port) return webSocket.terminate();
  let untaken = 0;
  const stream = host.openStream(formatEndpoint(endpoint(address, port)), {
    send: (message) => webSocket.send(message, { binary: true }, () => host.sent(stream, message.length)),
    taken: (bytes) => {
      untaken -= bytes;
      if (webSocket.isPaused && untaken <= MAX_UNTAKEN_BYTES / 2) webSocket.resume();
    },
    close: () => webSocket.close(GOING_AWAY),
  });
  webSocket.binaryType = 'arraybuffer';
  webSocket.on('message', (data, isBinary) => {
    if (!isBinary || !(data instanceof ArrayBuffer)) return webSocket.close(UNSUPPORTED_DATA);
    untaken += data.byteLength;
    if (untaken > MAX_UNTAKEN_BYTES) webSocket.pause();
    host.takeMessage(stream, new Uint8Array(data));
  });
  // An error is followed by 'close'.
  webSocket.on('error', () => {});
  webSocket.on('close', () => host.streamClosed(stream));
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
