// Unix sockets that only their owner may open, and of which each path has one live server: the control socket, and the lock on
// the state directory.

import { unlinkSync } from 'node:fs';
import type { Server } from 'node:net';
import { NodeError } from '../node-error.js';
import { isNodeListening } from './control-socket-client.js';

/** Of sun_path in unix(7), without the zero at its end. Node cuts what is longer, and binds the socket somewhere else. */
const MAX_PATH_BYTES = 107;

/**
 * Listens on `path`, mode 0600, replacing the socket of a process that died. False if a live one listens there. Throws
 * `socket-unusable`.
 */
export async function listenPrivately(server: Server, path: string): Promise<boolean> {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    throw new NodeError('socket-unusable', `${path} is too long for a socket: choose a folder with a shorter path`);
  }
  if (await isNodeListening(path)) return false;
  removeSocket(path);
  await bind(server, path);
  return true;
}

/** Throws `socket-unusable`, unless there is none. */
export function removeSocket(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw new NodeError('socket-unusable', `cannot remove ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** Unix sockets get their mode from the umask at the moment of binding, which Node does before `listen` returns. */
function bind(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      reject(new NodeError('socket-unusable', `cannot listen on ${path}: ${error.message}`, { cause: error }));
    });
    const umask = process.umask(0o177);
    try {
      server.listen(path, resolve);
    } finally {
      process.umask(umask);
    }
  });
}
