// The command line of the benchmark, checked before anything starts.
import { parseArgs } from 'node:util';

export interface BenchOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly cases: readonly string[];
  readonly contenders: readonly string[];
  /** The file whose section is replaced, as it was given. */
  readonly out: string;
  readonly quick: boolean;
}

export type ParsedOptions =
  | { readonly kind: 'run'; readonly options: BenchOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'refused'; readonly reason: string };

export interface KnownNames {
  readonly cases: readonly string[];
  readonly contenders: readonly string[];
}

const DEFAULTS = { rounds: 5, seconds: 5, out: 'docs/benchmarks.md' } as const;
/** Shows that everything runs. Its figures mean little, so they go elsewhere unless told otherwise. */
const QUICK = { rounds: 1, seconds: 1, out: 'node_modules/.cache/shadownet-bench/quick.md' } as const;

export function usage({ cases, contenders }: KnownNames): string {
  return `Usage: npm run bench -- [options]     (as root)

  --quick              one round of ${String(QUICK.seconds)} s, written to ${QUICK.out}
  --rounds N           how often each contender takes its turn (default ${String(DEFAULTS.rounds)})
  --seconds N          length of one transfer (default ${String(DEFAULTS.seconds)})
  --cases A,B          of ${cases.join(', ')}
  --contenders A,B     of ${contenders.join(', ')}
  --no-setup           takes what is installed and built as it is
  --out FILE           where the report goes (default ${DEFAULTS.out}); other sections of the file stay
`;
}

export function parseOptions(argv: readonly string[], known: KnownNames): ParsedOptions {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        quick: { type: 'boolean' },
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        cases: { type: 'string' },
        contenders: { type: 'string' },
        out: { type: 'string' },
        // Looked at by bench.mjs, before there is anything of this.
        'no-setup': { type: 'boolean' },
        help: { type: 'boolean' },
      },
    });
    if (values.help) return { kind: 'help' };
    const quick = values.quick ?? false;
    const defaults = quick ? QUICK : DEFAULTS;
    const options: BenchOptions = {
      rounds: readCount('--rounds', values.rounds, defaults.rounds),
      seconds: readCount('--seconds', values.seconds, defaults.seconds),
      cases: readNames('--cases', values.cases, known.cases),
      contenders: readNames('--contenders', values.contenders, known.contenders),
      out: values.out ?? defaults.out,
      quick,
    };
    return { kind: 'run', options };
  } catch (error) {
    return { kind: 'refused', reason: (error as Error).message };
  }
}

function readCount(flag: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 3600)
    throw new Error(`${flag}: "${text}" is not a number of 1 to 3600`);
  return count;
}

/** In the order in which they are known, whatever the order they were given in. */
function readNames(flag: string, text: string | undefined, known: readonly string[]): readonly string[] {
  if (text === undefined) return known;
  const names = text.split(',').filter((name) => name !== '');
  const stranger = names.find((name) => !known.includes(name));
  if (stranger !== undefined) throw new Error(`${flag}: "${stranger}" is none of ${known.join(', ')}`);
  if (names.length === 0) throw new Error(`${flag}: nothing is left to measure`);
  return known.filter((name) => names.includes(name));
}
