// The section of docs/nat-traversal.md that the grid writes: what came out in each cell, the percentiles against their goals, and
// what is not as expected.
import { type Machine } from '../bench/machine.js';
import { percentile } from '../bench/statistics.js';
import { cellName, expectationOf, expectedPath, findCell, type GridCell, SAME_LAN } from './grid-cell.js';
import { type CellMeasurement } from './grid-lab.js';
import { SITE_KINDS, type SiteKind } from './nat-site.js';

export type CellOutcome =
  | { readonly kind: 'measured'; readonly cell: GridCell; readonly measurement: CellMeasurement }
  | { readonly kind: 'failed'; readonly cell: GridCell; readonly reason: string };

export interface GridReportInput {
  readonly outcomes: readonly CellOutcome[];
  /** Further measurements of cells whose path has to be guessed. */
  readonly guesses: readonly CellOutcome[];
  readonly machine: Machine;
  readonly parallel: number;
  /** What to type to do it again. */
  readonly command: string;
}

interface Goal {
  readonly name: string;
  readonly timesMs: readonly number[];
  readonly percent: number;
  readonly limitMs: number;
}

const TITLES: Readonly<Record<SiteKind, string>> = {
  public: 'public',
  'full-cone': 'full cone',
  'address-restricted': 'address-restricted',
  'port-restricted': 'port-restricted',
  'double-nat': 'double NAT',
  'mapping-granted': 'mapping granted',
  'hard-random': 'hard, random',
  'ipv6-only': 'IPv6 only',
  'udp-blocked': 'UDP blocked',
};

const FIRST_ANSWER_GOAL_MS = 1000;
const DIRECT_P50_GOAL_MS = 1500;
const DIRECT_P95_GOAL_MS = 4000;

/** Markdown without the markers around it. */
export function writeGridReport(input: GridReportInput): string {
  const { outcomes, guesses, machine, parallel, command } = input;
  const unexpected = outcomes.flatMap((outcome) => whatIsWrong(outcome) ?? []);
  const connected = outcomes.filter(({ kind }) => kind === 'measured').length;
  const asExpected = outcomes.length - unexpected.length;
  return [
    `Measured on ${machine.date} at commit ${machine.commit}, on ${String(machine.cores)} cores (${machine.cpu}, load average ` +
      `${machine.loadAverage.map((load) => load.toFixed(1)).join(', ')}), ${String(parallel)} at a time, once each. ` +
      `Again, as root: \`${command}\``,
    `${String(connected)} of ${String(outcomes.length)} pairs exchanged data; ${String(asExpected)} ended on the path of the table above.`,
    gridTable(outcomes),
    ...sharedLan(outcomes),
    goalTable(goals(outcomes)),
    ...guessSummary(guesses),
    ...(unexpected.length === 0 ? [] : [`Not as expected:\n\n${unexpected.map((line) => `- ${line}`).join('\n')}`]),
  ].join('\n\n');
}

/** How often guessing came to a direct path within the time of the table, and how long it took. */
function guessSummary(guesses: readonly CellOutcome[]): string[] {
  if (guesses.length === 0) return [];
  const limitMs = Number(expectationOf(guesses[0]!.cell).within);
  const times = guesses.map((one) => (one.kind === 'measured' ? (one.measurement.directMs ?? Infinity) : Infinity));
  const inTime = times.filter((ms) => ms <= limitMs).length;
  const [p50, p95] = [50, 95].map((percent) => seconds(percentile(times, percent)));
  const names = [...new Set(guesses.map(({ cell }) => cellName(cell)))].join(' and ');
  return [
    `Guessed ports once more, ${String(guesses.length)} runs of ${names}: ${String(inTime)} (${((100 * inTime) / guesses.length).toFixed(0)} %) ` +
      `direct within ${seconds(limitMs)}, p50 ${p50}, p95 ${p95}.`,
  ];
}

/** Undefined if the cell is as expected: the path of the table on both sides. */
export function whatIsWrong(outcome: CellOutcome): string | undefined {
  const name = cellName(outcome.cell);
  if (outcome.kind === 'failed') return `${name}: ${outcome.reason}`;
  const { paths } = outcome.measurement;
  const expected = expectedPath(outcome.cell);
  if (paths.every((path) => path === expected)) return undefined;
  return `${name}: ${paths.join(' and ')} instead of ${expected}`;
}

/** One line for the screen. */
export function describeOutcome(outcome: CellOutcome): string {
  const problem = whatIsWrong(outcome);
  if (outcome.kind === 'failed') return `FAILED ${problem ?? ''}`;
  const { firstAnswerMs, directMs, paths, lostPings } = outcome.measurement;
  const facts = [
    `${[...new Set(paths)].join(' and ')}`,
    `first answer ${seconds(firstAnswerMs)}`,
    ...(directMs === undefined ? [] : [`direct after ${seconds(directMs)}`]),
    ...(lostPings === 0 ? [] : [`${String(lostPings)} pings lost`]),
  ];
  return `${cellName(outcome.cell)}: ${facts.join(', ')}${problem === undefined ? '' : ' — NOT AS EXPECTED'}`;
}

/** The lower half, since both orders of a pair are one cell. */
function gridTable(outcomes: readonly CellOutcome[]): string {
  const kinds = SITE_KINDS.map((kind) => TITLES[kind]);
  const rows = SITE_KINDS.map((a, row) => {
    const cells = SITE_KINDS.map((b, column) => {
      if (column > row) return '';
      const cell = findCell(`${a}×${b}`);
      const outcome = outcomes.find((one) => one.cell === cell);
      return outcome === undefined ? '' : shown(outcome);
    });
    return `| ${TITLES[a]} | ${cells.join(' | ')} |`;
  });
  return [`| | ${kinds.join(' | ')} |`, `|${' --- |'.repeat(kinds.length + 1)}`, ...rows].join('\n');
}

/** The time to a direct path, or that of the first answer where there is none. */
function shown(outcome: CellOutcome): string {
  if (outcome.kind === 'failed') return '**no data**';
  const { directMs, firstAnswerMs } = outcome.measurement;
  const text = directMs === undefined ? `relay (${seconds(firstAnswerMs)})` : seconds(directMs);
  return whatIsWrong(outcome) === undefined ? text : `**${text}**`;
}

function sharedLan(outcomes: readonly CellOutcome[]): string[] {
  const outcome = outcomes.find(({ cell }) => cell === SAME_LAN);
  return outcome === undefined ? [] : [`Two hosts in one LAN: ${shown(outcome)}.`];
}

function goals(outcomes: readonly CellOutcome[]): Goal[] {
  const measured = outcomes.flatMap((outcome) => (outcome.kind === 'measured' ? [outcome] : []));
  const firstAnswers = measured.map(({ measurement }) => measurement.firstAnswerMs);
  // One that should have come to a direct path and did not has taken for ever.
  const directTimes = (guessed: boolean): number[] =>
    measured
      .filter(({ cell }) => expectedPath(cell) !== 'relay')
      .filter(({ cell }) => (expectationOf(cell).means === 'birthday') === guessed)
      .map(({ measurement }) => measurement.directMs ?? Infinity);
  const guessLimitMs = Math.max(...measured.map(({ cell }) => Number(expectationOf(cell).within ?? 0)));
  const unguessed = directTimes(false);
  const all = [...unguessed, ...directTimes(true)];
  return [
    { name: 'first answer, longest', timesMs: firstAnswers, percent: 100, limitMs: FIRST_ANSWER_GOAL_MS },
    { name: 'direct, p50', timesMs: all, percent: 50, limitMs: DIRECT_P50_GOAL_MS },
    { name: 'direct, p95', timesMs: all, percent: 95, limitMs: DIRECT_P95_GOAL_MS },
    { name: 'direct by guessed ports, longest', timesMs: directTimes(true), percent: 100, limitMs: guessLimitMs },
  ].filter(({ timesMs }) => timesMs.length > 0);
}

function goalTable(all: readonly Goal[]): string {
  const rows = all.map(({ name, timesMs, percent, limitMs }) => {
    const value = percentile(timesMs, percent);
    const verdict = value <= limitMs ? 'met' : '**missed**';
    return `| ${name} | ${String(timesMs.length)} | ${seconds(value)} | ≤ ${seconds(limitMs)} | ${verdict} |`;
  });
  return ['| time from both ready | cells | measured | goal | |', '| --- | --- | --- | --- | --- |', ...rows].join(
    '\n',
  );
}

function seconds(ms: number): string {
  return Number.isFinite(ms) ? `${(ms / 1000).toFixed(2)} s` : 'never';
}
