// The daemon's end of the local control socket: <run-dir>/<interface>.sock, mode 0600 in a directory of mode 0700.

import { createServer, type Server, type Socket } from 'node:net';
import type { LocalConfig } from '../config.js';
import { NodeError } from '../node-error.js';
import { ensurePrivateDirectory } from '../state/private-directory.js';
import {
  type ControlReply,
  type ControlRequest,
  controlSocketPath,
  IDLE_TIMEOUT_MS,
  MAX_CONNECTIONS,
  MAX_REQUEST_BYTES,
  parseControlRequest,
} from './control-protocol.js';
import { listenPrivately, removeSocket } from './private-socket.js';

export type ControlHandler = (request: ControlRequest) => ControlReply | Promise<ControlReply>;

const NOT_A_REQUEST: ControlReply = { ok: false, error: 'not a request' };

export class ControlSocketServer {
  readonly #path: string;
  readonly #server: Server;

  private constructor(path: string, server: Server) {
    this.#path = path;
    this.#server = server;
  }

  /**
   * Listens, replacing the socket of a node that died. Throws `already-running` if a node answers there,
   * `state-exposed` or `socket-unusable` if the socket cannot be made safely.
   */
  static async listen(config: LocalConfig, handle: ControlHandler): Promise<ControlSocketServer> {
    const path = controlSocketPath(config);
    ensurePrivateDirectory(config.runDirectory);
    const server = createServer((connection) => serve(connection, handle));
    server.maxConnections = MAX_CONNECTIONS;
    if (await listenPrivately(server, path)) return new ControlSocketServer(path, server);
    throw new NodeError(
      'already-running',
      `a node is already running on ${config.interfaceName}: stop it with shadownet-node down`,
    );
  }

  /** Takes no more requests and removes the socket. Open connections end with the process: whoever asked to stop waits for that. */
  close(): void {
    this.#server.close();
    removeSocket(this.#path);
  }
}

function serve(connection: Socket, handle: ControlHandler): void {
  let received = Buffer.alloc(0);
  /** Replies leave in the order of their requests. */
  let answered = Promise.resolve();
  connection.setTimeout(IDLE_TIMEOUT_MS, () => connection.destroy());
  connection.on('error', () => connection.destroy());
  connection.on('data', (bytes) => {
    received = Buffer.concat([received, bytes]);
    for (let end = received.indexOf(0x0a); end >= 0; end = received.indexOf(0x0a)) {
      const line = received.subarray(0, end);
      received = received.subarray(end + 1);
      if (line.length > MAX_REQUEST_BYTES) return void connection.destroy();
      const request = parseControlRequest(line.toString('utf8'));
      answered = answered.then(async () => {
        const reply = request ? await handle(request) : NOT_A_REQUEST;
        connection.write(`${JSON.stringify(reply)}\n`);
        if (request?.command === 'stop') connection.setTimeout(0);
      });
    }
    if (received.length > MAX_REQUEST_BYTES) connection.destroy();
  });
}
