// `shadownet-node what-if A.json B.json`: how two hosts would connect, from what `netcheck --json` printed on each.

import { readFileSync } from 'node:fs';
import { type Netcheck, netcheckSchema } from '@shadownet/contracts';
import { type ConnectionPrediction, predictConnection } from '@shadownet/paths';
import { hostNetworkOf } from '../netcheck/host-network.js';
import { NodeError } from '../node-error.js';
import { printLine } from './terminal.js';

export function whatIf(files: readonly [string, string], { json }: { json: boolean }): void {
  const [a, b] = files.map((file) => hostNetworkOf(readNetcheck(file)));
  const prediction = predictConnection(a!, b!);
  printLine(json ? JSON.stringify(prediction, undefined, 2) : formatPrediction(prediction));
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

function formatPrediction({ means, family, reason, remedies }: ConnectionPrediction): string {
  const lines = [`${WORDS[means]}${family === undefined ? '' : ` over IPv${family}`}`, `  ${reason}`];
  if (remedies.length > 0) lines.push(`  to make it surely direct: ${remedies.join(', or ')}`);
  return lines.join('\n');
}
