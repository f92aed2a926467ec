// `shadownet-node can`: whether the policy lets one node open something to another, and which rule decides.

import { canAnswerSchema } from '@shadownet/contracts';
import { describeDecision } from '@shadownet/policy';
import type { LocalConfig } from '../config.js';
import { controlSocketPath } from '../control-socket/control-protocol.js';
import { askNode } from '../control-socket/control-socket-client.js';
import { ExitCode } from '../exit-code.js';
import { NodeError } from '../node-error.js';
import { printLine } from './terminal.js';

/** `words`: FROM TO TRAFFIC, with an arrow between the first two if one likes. Exit code 1 if the answer is no. */
export async function can(config: LocalConfig, words: readonly string[], { json }: { json: boolean }): Promise<void> {
  const [from, to, traffic, ...more] = words.filter((word) => word !== '→');
  if (from === undefined || to === undefined || traffic === undefined || more.length > 0)
    throw new NodeError('usage', 'say it like: shadownet-node can web-1 db-1 tcp/5432');
  const result = await askNode(controlSocketPath(config), { command: 'can', from, to, traffic });
  const answer = canAnswerSchema.parse(result);
  if (json) printLine(JSON.stringify(answer));
  else for (const line of describeDecision(answer)) printLine(line);
  if (!answer.allowed) process.exitCode = ExitCode.failure;
}
