// `shadownet-node ping`: whether a peer answers, and which way the answers come: until one comes by a direct path.

import type { LocalConfig } from '../config.js';
import { controlSocketPath } from '../control-socket/control-protocol.js';
import { askNode } from '../control-socket/control-socket-client.js';
import { NodeError } from '../node-error.js';
import type { PeerExplanation } from '../runtime/peer-explanation.js';
import type { PingAnswer } from '../runtime/peer-pings.js';
import { printLine } from './terminal.js';

export interface PingOptions {
  /** A hostname, a virtual IP or a public key. */
  readonly peer: string;
  /** How many pings at most. */
  readonly count: number;
  /** Whether the first answer by a direct path ends it. */
  readonly ends: 'when-direct' | 'after-count';
  readonly json: boolean;
}

const INTERVAL_MS = 1_000;

/** Throws NodeError `no-answer` if no answer came at all. */
export async function ping(config: LocalConfig, { peer, count, ends, json }: PingOptions): Promise<void> {
  const socket = controlSocketPath(config);
  let answers = 0;
  let isDirect = false;
  for (let number = 1; number <= count && !(isDirect && ends === 'when-direct'); number++) {
    const startedAt = performance.now();
    const answer = (await askNode(socket, { command: 'ping', peer })) as PingAnswer;
    if (answer.reply) answers++;
    isDirect = answer.reply !== null && answer.reply.path !== 'relay';
    printLine(json ? JSON.stringify(answer) : formatAnswer(answer));
    const isLast = number === count || (isDirect && ends === 'when-direct');
    const pause = isLast ? 0 : INTERVAL_MS - (performance.now() - startedAt);
    if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
  }
  if (answers === 0) throw new NodeError('no-answer', `${peer} does not answer`);
  if (isDirect || json) return;
  const { explanation } = (await askNode(socket, { command: 'explain', peer })) as PeerExplanation;
  printLine(`not direct: ${explanation.verdict} (status --explain ${peer} says more)`);
}

export function formatAnswer({ hostname, virtual_ip, reply }: PingAnswer): string {
  const who = `${hostname} (${virtual_ip})`;
  if (!reply) return `no answer from ${who}`;
  const way = reply.path === 'relay' ? `by relay ${reply.by}` : `${WAYS[reply.path]} by ${reply.by}`;
  return `pong from ${who} ${way} in ${reply.rtt_ms.toFixed(1)} ms`;
}

const WAYS = { direct: 'direct', lan: 'in the LAN' } as const;
