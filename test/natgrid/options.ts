// The command line of `npm run natgrid`, checked before anything starts.
import { parseArgs } from 'node:util';
import { ALL_CELLS, cellName, findCell, type GridCell } from './grid-cell.js';

export interface GridOptions {
  readonly cells: readonly GridCell[];
  /** How many are measured at a time. */
  readonly parallel: number;
  /** How often each cell whose path has to be guessed is measured besides: chance decides how long that takes. */
  readonly guessRuns: number;
  /** The file whose section is replaced, as it was given. */
  readonly out: string;
}

export type ParsedOptions =
  | { readonly kind: 'run'; readonly options: GridOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'refused'; readonly reason: string };

const OUT = 'docs/nat-traversal.md';
/** A part of the grid takes the place of the whole only if one says so. */
const OUT_OF_PART = 'node_modules/.cache/shadownet/natgrid.md';
const MAX_PARALLEL = 8;
/** For each of the two cells. */
const GUESS_RUNS = 10;
const MAX_GUESS_RUNS = 500;

export const USAGE = `Usage: npm run natgrid -- [options]     (as root, after npm run build)

  --cells A×B,C×D   these only; x will do for ×. Written to ${OUT_OF_PART}
  --parallel N      cells at a time, each in a lab of its own (default 1)
  --guess-runs N    how often each cell of guessed ports is measured besides (default ${String(GUESS_RUNS)}, none with --cells)
  --out FILE        where the report goes (default ${OUT}); the rest of the file stays

Cells: ${ALL_CELLS.map(cellName).join(', ')}
`;

export function parseOptions(argv: readonly string[]): ParsedOptions {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        cells: { type: 'string' },
        parallel: { type: 'string' },
        'guess-runs': { type: 'string' },
        out: { type: 'string' },
        help: { type: 'boolean' },
      },
    });
    if (values.help) return { kind: 'help' };
    const cells = values.cells === undefined ? ALL_CELLS : readCells(values.cells);
    const out = values.out ?? (values.cells === undefined ? OUT : OUT_OF_PART);
    const parallel = readCount('--parallel', values.parallel ?? '1', 1, MAX_PARALLEL);
    const defaultRuns = String(values.cells === undefined ? GUESS_RUNS : 0);
    const guessRuns = readCount('--guess-runs', values['guess-runs'] ?? defaultRuns, 0, MAX_GUESS_RUNS);
    return { kind: 'run', options: { cells, parallel, guessRuns, out } };
  } catch (error) {
    return { kind: 'refused', reason: (error as Error).message };
  }
}

/** In their own order, each once. */
function readCells(text: string): readonly GridCell[] {
  const found = new Set<GridCell>();
  for (const name of text.split(',').filter((part) => part !== '')) {
    const cell = findCell(name);
    if (cell === undefined) throw new Error(`--cells: "${name}" is none of the grid`);
    found.add(cell);
  }
  if (found.size === 0) throw new Error('--cells: nothing is left to measure');
  return ALL_CELLS.filter((cell) => found.has(cell));
}

function readCount(name: string, text: string, least: number, most: number): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < least || count > most)
    throw new Error(`${name}: "${text}" is not a number of ${String(least)} to ${String(most)}`);
  return count;
}
