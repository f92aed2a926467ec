// The cross-platform UAPI (https://www.wireguard.com/xplatform/) on a Unix socket, where `wg` looks for it:
// /var/run/wireguard/<interface>.sock, mode 0600. Served by shadownet-wg and by shadownet-node, each for its own interface.

import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, statSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { assertNever, encodeUtf8, type ZoneLookup } from '@shadownet/primitives';
import {
  type DeviceChange,
  discardChange,
  encodeErrnoAnswer,
  encodeGetAnswer,
  RequestReader,
  type UapiDevice,
  type UapiErrno,
  type UapiRequest,
} from '@shadownet/wireguard';
import { UapiError } from './uapi-error.js';

/** What the socket speaks for. */
export interface UapiTarget {
  describe(): UapiDevice;
  /** Applies all of the change or, with an errno, nothing. Owns its secrets from the call on. */
  apply(change: DeviceChange): UapiErrno | 0;
  /**
   * Resolves when nothing is used any more that was withdrawn before the call, a removed peer say: a `set` is answered then. Left out
   * where that is so at once.
   */
  settled?(): Promise<void>;
  /** For endpoints with a zone; left out: they are refused. */
  readonly zoneNumber?: ZoneLookup;
}

/** What is told of requests; never a value of theirs. */
export interface UapiLog {
  /** A `set` that could be read, and what came of it; 0 is success. */
  event(event: 'configured', fields: { readonly errno: UapiErrno | 0 }): void;
  /** A request that could not. */
  event(event: 'request-refused', fields: { readonly errno: UapiErrno; readonly detail: string }): void;
}

/** Where `wg` looks, and nowhere else. */
export const UAPI_DIRECTORY = '/var/run/wireguard';

const MAX_CONNECTIONS = 64;

/** Of sun_path without its end (unix(7)). Node cuts off what is longer, and listens somewhere else. */
const MAX_PATH_BYTES = 107;

export function uapiSocketPath(interfaceName: string, directory = UAPI_DIRECTORY): string {
  return `${directory}/${interfaceName}.sock`;
}

export class UapiSocket {
  readonly #path: string;
  readonly #server: Server;
  readonly #connections: Set<Socket>;
  /** Of the file, to tell it from one that somebody else put in its place. */
  readonly #inode: number;

  private constructor(path: string, server: Server, connections: Set<Socket>) {
    this.#path = path;
    this.#server = server;
    this.#connections = connections;
    this.#inode = statSync(path).ino;
  }

  /** Listens, in place of a socket that nobody serves any more. Throws UapiError. */
  static async listen(path: string, target: UapiTarget, log: UapiLog): Promise<UapiSocket> {
    const unnamed = `${dirname(path)}/.${randomBytes(4).toString('hex')}`;
    if (Math.max(encodeUtf8(path).length, encodeUtf8(unnamed).length) > MAX_PATH_BYTES) {
      throw new UapiError(
        'socket-unusable',
        `${path} is longer than the ${MAX_PATH_BYTES} bytes that a socket's path may have`,
      );
    }
    if (await isServed(path)) throw new UapiError('socket-in-use', `${path} is served by a running process`);
    const connections = new Set<Socket>();
    const server = createServer((connection) => {
      connections.add(connection);
      connection.on('close', () => connections.delete(connection));
      serve(connection, target, log);
    });
    server.maxConnections = MAX_CONNECTIONS;
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      // `wg` deletes a socket that refuses connections, as one does between bind and listen: it gets its name when it answers.
      await listenPrivately(server, unnamed);
      renameSync(unnamed, path);
      return new UapiSocket(path, server, connections);
    } catch (error) {
      throw new UapiError('socket-unusable', `cannot listen on ${path}: ${(error as Error).message}`, { cause: error });
    }
  }

  /** False once the file was removed or replaced: the way to tell the process to end. */
  isInPlace(): boolean {
    return statSync(this.#path, { throwIfNoEntry: false })?.ino === this.#inode;
  }

  /** Ends all connections and removes the file, unless it is somebody else's by now. May be called again. */
  close(): void {
    if (this.isInPlace()) removeIfPresent(this.#path);
    this.#server.close();
    for (const connection of this.#connections) connection.destroy();
  }
}

/**
 * True if a process listens there, even one that is too busy to accept. Rejects with UapiError 'socket-unusable' where that cannot be
 * told, for want of permission say: what may be alive must not be replaced.
 */
export function isServed(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => {
      switch (error.code) {
        case 'ENOENT':
        case 'ENOTDIR':
        case 'ECONNREFUSED':
          return resolve(false);
        // Its queue of connections is full (unix(7)).
        case 'EAGAIN':
          return resolve(true);
        default:
          return reject(
            new UapiError('socket-unusable', `cannot tell whether ${path} is in use: ${error.message}`, {
              cause: error,
            }),
          );
      }
    });
  });
}

function serve(connection: Socket, target: UapiTarget, log: UapiLog): void {
  const reader = new RequestReader({ zoneNumber: target.zoneNumber });
  connection.on('error', () => connection.destroy());
  connection.on('close', () => reader.end());
  connection.on('data', (bytes) => {
    const requests = reader.push(bytes);
    bytes.fill(0);
    // One after the other: nothing more is read before these are answered.
    connection.pause();
    void answerEach(connection, requests, target, log);
  });
}

/** Requests that were received whole are carried out, whether or not anybody waits for the answers. */
async function answerEach(
  connection: Socket,
  requests: readonly UapiRequest[],
  target: UapiTarget,
  log: UapiLog,
): Promise<void> {
  for (const request of requests) {
    const answer = await answerTo(request, target, log);
    connection.write(answer, () => void answer.fill(0));
    if (request.kind === 'invalid' && request.connection === 'lost') connection.end();
  }
  // Whoever asks without reading the answers is not read from either.
  if (connection.writableNeedDrain) connection.once('drain', () => connection.resume());
  else connection.resume();
}

async function answerTo(request: UapiRequest, target: UapiTarget, log: UapiLog): Promise<Uint8Array> {
  switch (request.kind) {
    case 'get': {
      const device = target.describe();
      const answer = encodeGetAnswer(device);
      for (const peer of device.peers) peer.presharedKey.zero();
      return answer;
    }
    case 'set': {
      const errno = target.apply(request.change);
      discardChange(request.change);
      log.event('configured', { errno });
      await target.settled?.();
      return encodeErrnoAnswer('set', errno);
    }
    case 'invalid':
      log.event('request-refused', { errno: request.errno, detail: request.detail });
      return encodeErrnoAnswer(request.operation, request.errno);
    default:
      return assertNever(request);
  }
}

/** Unix sockets get their mode from the umask at the moment of binding, which Node does before `listen` returns. */
function listenPrivately(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const umask = process.umask(0o177);
    try {
      server.listen(path, () => {
        server.off('error', reject);
        resolve();
      });
    } finally {
      process.umask(umask);
    }
  });
}

function removeIfPresent(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
