// `shadownet-node status`: how the node and its links do.

import { writeFileSync } from 'node:fs';
import { explanationLines } from '@shadownet/paths';
import type { LocalConfig } from '../config.js';
import { controlSocketPath } from '../control-socket/control-protocol.js';
import { askNode } from '../control-socket/control-socket-client.js';
import { NodeError } from '../node-error.js';
import type { NodeStatus } from '../runtime/node-status.js';
import type { PeerExplanation } from '../runtime/peer-explanation.js';
import { formatStatus } from './status-table.js';
import { printLine } from './terminal.js';

export async function status(config: LocalConfig, { json }: { json: boolean }): Promise<void> {
  const answer = await fetchStatus(config);
  printLine(json ? JSON.stringify(answer, undefined, 2) : formatStatus(answer));
}

/** Of one peer: why its path is what it is, and what would change that. */
export async function explainPath(
  config: LocalConfig,
  peer: string,
  { json, exportTo }: { json: boolean; exportTo: string | undefined },
): Promise<void> {
  const answer = (await askNode(controlSocketPath(config), { command: 'explain', peer })) as PeerExplanation;
  if (exportTo !== undefined) writeExport(exportTo, answer);
  printLine(json ? JSON.stringify(answer, undefined, 2) : explanationLines(answer.explanation).join('\n'));
}

export async function fetchStatus(config: LocalConfig): Promise<NodeStatus> {
  return (await askNode(controlSocketPath(config), { command: 'status' })) as NodeStatus;
}

/** For its owner alone: it tells addresses of both networks. Throws NodeError `usage`. */
function writeExport(file: string, answer: PeerExplanation): void {
  try {
    writeFileSync(file, `${JSON.stringify(answer, undefined, 2)}\n`, { mode: 0o600 });
  } catch (error) {
    throw new NodeError('usage', `${file}: ${(error as Error).message}`, { cause: error });
  }
}
