// `shadownet-node replay FILE`: what `status --explain PEER --export FILE` wrote, through the same path agent on a simulated clock, and
// whether that comes to the same.

import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { type ExportedRecording, exportedRecordingSchema, MAX_RECORDING_FILE_BYTES } from '@shadownet/contracts';
import { chooseCryptoProvider, nodeCandidate } from '@shadownet/crypto';
import { explain, explanationLines, type Recording, timelineLines } from '@shadownet/paths';
import { assertNever } from '@shadownet/primitives';
import { compareReplay, decisionsOf, type ReplayOutcome, replayRecording } from '@shadownet/testlab';
import { NodeError } from '../node-error.js';
import { printLine } from './terminal.js';

/** Of simulated time, in milliseconds: with a keepalive each ten seconds some seconds of work. */
const LONGEST_REPLAY = 31 * 86_400_000;

export function replay(file: string, { json }: { json: boolean }): void {
  const { hostname, public_key, recording } = readExport(file);
  const { provider: crypto } = chooseCryptoProvider([nodeCandidate]);
  const replayed = replayRecording(recording, crypto);
  const outcome = compareReplay(recording, replayed);
  const explanation = explain(recording);
  printLine(
    json
      ? JSON.stringify(
          {
            ...{ hostname, public_key, outcome, explanation, recording },
            decisions: decisionsOf(recording),
            replay: { explanation: explain(replayed), decisions: decisionsOf(replayed), recording: replayed },
          },
          undefined,
          2,
        )
      : [`Path to ${hostname} (${public_key})`, ...timelineLines(recording), '', ...explanationLines(explanation)]
          .concat('', outcomeLine(outcome))
          .join('\n'),
  );
}

function outcomeLine(outcome: ReplayOutcome): string {
  switch (outcome.kind) {
    case 'same-decisions':
      return 'Replayed: the same decisions.';
    case 'same-verdict':
      return 'Replayed: the same verdict, by other decisions on the way.';
    case 'differs':
      return `Replayed: another verdict. ${outcome.verdict.slice(0, 1).toUpperCase()}${outcome.verdict.slice(1)}.`;
    default:
      return assertNever(outcome);
  }
}

/** Throws NodeError `usage`. */
function readExport(file: string): Omit<ExportedRecording, 'recording'> & { readonly recording: Recording } {
  let content: unknown;
  try {
    content = JSON.parse(readBounded(file));
  } catch (error) {
    if (error instanceof NodeError) throw error;
    throw new NodeError('usage', `${file}: ${(error as Error).message}`, { cause: error });
  }
  const parsed = exportedRecordingSchema.safeParse(content);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue && issue.path.length > 0 ? ` (${issue.path.join('.')}: ${issue.message})` : '';
    throw new NodeError('usage', `${file} is not what status --explain --export writes${where}`);
  }
  const { entries, dropped } = parsed.data.recording;
  const first = dropped > 0 ? entries.find(({ kind }) => kind === 'search') : entries[0];
  const ends = Math.max(0, ...entries.map((entry) => (entry.kind === 'data' ? entry.until : entry.at)));
  if (ends - (first?.at ?? 0) > LONGEST_REPLAY) {
    throw new NodeError('usage', `${file} tells of more than 31 days, which is too long to replay`);
  }
  return parsed.data;
}

/** At most `MAX_RECORDING_FILE_BYTES` of a regular file. */
function readBounded(file: string): string {
  const descriptor = openSync(file, 'r');
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw new NodeError('usage', `${file} is not a file`);
    if (stat.size > MAX_RECORDING_FILE_BYTES) {
      throw new NodeError('usage', `${file} is larger than ${MAX_RECORDING_FILE_BYTES} bytes: no recording is`);
    }
    return readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
  }
}
