// `shadownet-node up`: in the foreground the node itself; otherwise a parent that starts it detached and waits until it is usable.

import type { NodeConfig } from '../config.js';
import { controlSocketPath } from '../control-socket/control-protocol.js';
import { isNodeListening } from '../control-socket/control-socket-client.js';
import { NodeError } from '../node-error.js';
import { launchDaemon } from './daemon-launcher.js';
import { requireTunPrivilege } from './privilege.js';
import { printLine } from './terminal.js';

export async function up(config: NodeConfig, { foreground }: { foreground: boolean }): Promise<void> {
  requireTunPrivilege();
  if (foreground) {
    const { runForeground } = await import('./foreground.js');
    return runForeground(config);
  }
  if (await isNodeListening(controlSocketPath(config))) {
    throw new NodeError(
      'already-running',
      `a node is already running on ${config.interfaceName}: stop it with shadownet-node down`,
    );
  }
  printLine(await launchDaemon(config));
}
