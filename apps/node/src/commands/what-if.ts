// `shadownet-node what-if A.json B.json`: how two hosts would connect, from what `netcheck --json` printed on each.

import { readFileSync } from 'node:fs';
import { type Netcheck, netcheckSchema } from '@shadownet/contracts';
import { type ConnectionPrediction, predictConnection } from '@shadownet/paths';
import { hostNetworkOf } from '../netcheck/host-network.js';
import { predictRelayed, type RelayedPrediction } from '../netcheck/relayed-prediction.js';
import { NodeError } from '../node-error.js';
import { printLine } from './terminal.js';

export function whatIf(files: readonly [string, string], { json }: { json: boolean }): void {
  const [a, b] = files.map(readNetcheck);
  const prediction = predictConnection(hostNetworkOf(a!), hostNetworkOf(b!));
  // A direct path's latency is not to be had from that of relays; a relayed one's is.
  const relayed = prediction.means === 'relay' ? predictRelayed(a!, b!) : undefined;
  printLine(json ? JSON.stringify({ ...prediction, ...relayed }, undefined, 2) : formatPrediction(prediction, relayed));
}

/** Throws NodeError `usage`. */
function readNetcheck(file: string): Netcheck {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new NodeError('usage', `${file}: ${(error as Error).message}`, { cause: error });
  }
  const parsed = netcheckSchema.safeParse(content);
  if (!parsed.success) throw new NodeError('usage', `${file} is not what netcheck --json prints`);
  return parsed.data;
}

const WORDS: Readonly<Record<ConnectionPrediction['means'], string>> = {
  punch: 'direct',
  'peer-reflexive': 'direct',
  predict: 'direct, after some tries',
  birthday: 'relayed at first, then mostly direct',
  relay: 'relayed',
  unknown: 'not known',
};

function formatPrediction(
  { means, family, reason, remedies }: ConnectionPrediction,
  relayed: RelayedPrediction | undefined,
): string {
  const lines = [`${WORDS[means]}${family === undefined ? '' : ` over IPv${family}`}`, `  ${reason}`];
  if (remedies.length > 0) lines.push(`  to make it surely direct: ${remedies.join(', or ')}`);
  if (relayed) lines.push(`  ${relayedLine(relayed)}`);
  return lines.join('\n');
}

function relayedLine({ relayed_rtt_ms: rtt, relays: [a, b] }: RelayedPrediction): string {
  if (rtt === null) return 'a relay that one of them needs did not answer the other: nothing may pass';
  return `by ${a === b ? `relay ${a}` : `relays ${a} and ${b}`}: about ${rtt.toFixed(0)} ms there and back`;
}
