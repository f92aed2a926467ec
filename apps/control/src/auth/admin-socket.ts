// The local admin socket: <data-dir>/admin.sock, 0600 in a 0700 directory. Who may open it owns the server's files anyway, so
// it answers the same API with the role of an admin. `shadownet-control` commands are its clients.

import { unlinkSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Request } from 'express';
import { ControlError } from '../control-error.js';

const MAX_CONNECTIONS = 32;
/** Of sun_path in unix(7), without the zero at its end. Node cuts what is longer, and binds the socket somewhere else. */
const MAX_PATH_BYTES = 107;

const sockets = new WeakSet<Socket>();

/** True for a request that came by the local admin socket. */
export function isAtAdminSocket(request: Request): boolean {
  return sockets.has(request.socket);
}

export function adminSocketPath(dataDir: string): string {
  return join(dataDir, 'admin.sock');
}

/** Throws ControlError `already-running` if a server answers there, `unusable-files` if the path is too long. */
export async function requireNoServerAt(path: string): Promise<void> {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    throw new ControlError(
      'unusable-files',
      `${path} is too long for a socket: choose a --data-dir with a shorter path`,
    );
  }
  if (!(await isListening(path))) return;
  throw new ControlError(
    'already-running',
    `another shadownet-control runs on the same --data-dir: it answers at ${path}`,
  );
}

/** Takes the place of a socket that a server which died left behind. Throws ControlError `unusable-files`. */
export async function listenAtAdminSocket(path: string, listener: RequestListener): Promise<Server> {
  const server = createServer(listener);
  server.maxConnections = MAX_CONNECTIONS;
  server.on('connection', (socket) => sockets.add(socket));
  try {
    removeSocket(path);
    await bind(server, path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ControlError('unusable-files', `cannot listen on ${path}: ${reason}`, { cause: error });
  }
  return server;
}

function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}

function removeSocket(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** Unix sockets get their mode from the umask at the moment of binding, which Node does before `listen` returns. */
function bind(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const umask = process.umask(0o177);
    try {
      server.listen(path, resolve);
    } finally {
      process.umask(umask);
    }
  });
}
