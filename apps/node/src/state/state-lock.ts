// One running node per state directory: two would be the same node to the mesh, at two places at once, and each would take the
// other's peers away. The lock is a socket that listens: it ends with its process, however that ends, and holds between
// network namespaces and containers that share the directory.

import { createServer } from 'node:net';
import { join } from 'node:path';
import { listenPrivately, removeSocket } from '../control-socket/private-socket.js';
import { NodeError } from '../node-error.js';

/** Resolves with what gives the lock back. Throws `already-running` or `socket-unusable`. */
export async function lockState(directory: string): Promise<() => void> {
  const path = join(directory, 'lock.sock');
  const server = createServer((connection) => connection.destroy());
  if (!(await listenPrivately(server, path))) {
    throw new NodeError(
      'already-running',
      `a running node uses ${directory}: give each node of this host a --state-dir of its own`,
    );
  }
  return () => {
    server.close();
    removeSocket(path);
  };
}
