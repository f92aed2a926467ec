// The UAPI socket of a node's interface, by which `wg show` works. A node without one is a whole node: whatever is wrong with the
// socket or its folder is one line of the log. Used by node-runtime.ts.

import { UapiSocket, uapiSocketPath, type UapiLog, type UapiTarget } from '@shadownet/uapi';
import { ensurePrivateDirectory } from '../state/private-directory.js';
import type { NodeLog } from './node-log.js';

export interface UapiServiceOptions {
  readonly directory: string;
  readonly interfaceName: string;
  readonly target: UapiTarget;
  readonly log: NodeLog;
}

/** Serves until the function that it resolves with is called, or the process ends: both remove the socket. Never rejects. */
export async function serveUapi({ directory, interfaceName, target, log }: UapiServiceOptions): Promise<() => void> {
  let socket: UapiSocket;
  try {
    ensurePrivateDirectory(directory);
    socket = await UapiSocket.listen(uapiSocketPath(interfaceName, directory), target, refusalLog(log));
  } catch (error) {
    log.event('uapi-unavailable', { error: (error as Error).message });
    return () => {};
  }
  const close = (): void => {
    process.off('exit', close);
    socket.close();
  };
  process.on('exit', close);
  return close;
}

/** The node's words for what the socket tells. That an empty `set` was granted is not worth a line. */
function refusalLog(log: NodeLog): UapiLog {
  return {
    event: (_event: string, { errno, detail }: { readonly errno: number; readonly detail?: string }) => {
      if (errno !== 0) log.event('uapi-refused', { errno, reason: detail ?? 'set by the mesh alone' });
    },
  };
}
