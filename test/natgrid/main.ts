// `npm run natgrid`: real nodes behind every pair of NATs that the lab can make, and a report of how they connect. Called by
// natgrid.mjs.
import { loadavg } from 'node:os';
import { resolve } from 'node:path';
import { describeMachine } from '../bench/machine.js';
import { writeSection } from '../bench/report-file.js';
import { expectationOf, type GridCell } from './grid-cell.js';
import { GridLab } from './grid-lab.js';
import { type CellOutcome, describeOutcome, whatIsWrong, writeGridReport } from './grid-report.js';
import { parseOptions, USAGE } from './options.js';

const SECTION = 'natgrid';
const HEADING = '# NAT grid\n';

/** Returns the exit code: 0 if every cell is as expected. */
export async function runNatGrid(argv: readonly string[]): Promise<number> {
  const parsed = parseOptions(argv);
  switch (parsed.kind) {
    case 'help':
      process.stdout.write(USAGE);
      return 0;
    case 'refused':
      process.stderr.write(`${parsed.reason}\n\n${USAGE}`);
      return 2;
    case 'run': {
      const { cells, parallel, guessRuns, out } = parsed.options;
      const machine = await describeMachine(loadavg());
      const outcomes = await measureAll(cells, parallel);
      const guessed = cells.filter((cell) => expectationOf(cell).means === 'birthday');
      const guesses = await measureAll(Array.from({ length: guessRuns }, () => guessed).flat(), parallel);
      const command = ['npm run natgrid', ...(argv.length > 0 ? ['--', ...argv] : [])].join(' ');
      const report = writeGridReport({ outcomes, guesses, machine, parallel, command });
      await writeSection(resolve(out), SECTION, report, HEADING);
      process.stdout.write(`\nThe report: ${resolve(out)}\n`);
      return outcomes.every((outcome) => whatIsWrong(outcome) === undefined) ? 0 : 1;
    }
  }
}

/** Each lab takes the next cell when it is done with one; the outcomes are in the order of the cells, of which any may be there often. */
async function measureAll(cells: readonly GridCell[], parallel: number): Promise<CellOutcome[]> {
  const outcomes: CellOutcome[] = [];
  const left = [...cells.entries()];
  const work = async (): Promise<void> => {
    const lab = await GridLab.create();
    try {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        const [index, cell] = next;
        const outcome = await outcomeOf(lab, cell);
        outcomes[index] = outcome;
        process.stdout.write(`${describeOutcome(outcome)}\n`);
      }
    } finally {
      await lab.dispose();
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, cells.length) }, work));
  return outcomes;
}

async function outcomeOf(lab: GridLab, cell: GridCell): Promise<CellOutcome> {
  try {
    return { kind: 'measured', cell, measurement: await lab.measure(cell) };
  } catch (error) {
    return { kind: 'failed', cell, reason: (error as Error).message.split('\n')[0] ?? '' };
  }
}
