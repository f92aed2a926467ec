// `shadownet-node down`: returns when the node has said goodbye, its interface is gone and its process has ended.

import type { LocalConfig } from '../config.js';
import { controlSocketPath } from '../control-socket/control-protocol.js';
import { stopNode } from '../control-socket/control-socket-client.js';
import { printLine } from './terminal.js';

const STOP_TIMEOUT_MS = 10_000;

export async function down(config: LocalConfig): Promise<void> {
  await stopNode(controlSocketPath(config), STOP_TIMEOUT_MS);
  printLine(`${config.interfaceName} is down`);
}
