// `npm run bench`: finds the contenders, lets them take turns, writes the report. Called by bench.mjs after the set-up.
import { resolve } from 'node:path';
import { isInstalled, whyNoNamespaces, whyNoTun } from '../lab/requirements.mjs';
import { ALL_CASES } from './cases/all-cases.js';
import { obtainContenders } from './contender.js';
import { CONTENDER_SOURCES } from './contender-sources.js';
import { describeMachine } from './machine.js';
import { type BenchOptions, type KnownNames, parseOptions, usage } from './options.js';
import { writeReport } from './report.js';
import { writeSection } from './report-file.js';
import { Results } from './results.js';
import { runRound } from './rounds.js';

const PROGRAMS = ['ip', 'ping', 'iperf3', 'wg'];
const SECTION = 'data-plane';
const QUIET_LOAD_AVERAGE = 0.5;

const KNOWN: KnownNames = {
  cases: ALL_CASES.map(({ id }) => id),
  contenders: CONTENDER_SOURCES.map(({ id }) => id),
};

const TITLES = new Map(CONTENDER_SOURCES.map(({ id, title }) => [id, title]));

/** Returns the exit code. `loadAverage` is that of before the set-up, which makes a load of its own. */
export async function runBenchmark(argv: readonly string[], loadAverage: readonly number[]): Promise<number> {
  const parsed = parseOptions(argv, KNOWN);
  switch (parsed.kind) {
    case 'help':
      process.stdout.write(usage(KNOWN));
      return 0;
    case 'refused':
      process.stderr.write(`${parsed.reason}\n\n${usage(KNOWN)}`);
      return 2;
    case 'run':
      return measure(parsed.options, argv, loadAverage);
  }
}

async function measure(
  options: BenchOptions,
  argv: readonly string[],
  loadAverage: readonly number[],
): Promise<number> {
  const reason = whyNoNamespaces() ?? whyNoTun() ?? whyNoPrograms();
  if (reason !== undefined) {
    process.stderr.write(`The benchmark cannot run: ${reason}\n`);
    return 1;
  }
  endOnSignals();
  if (loadAverage[0]! > QUIET_LOAD_AVERAGE) {
    process.stdout.write(
      `The load average is ${loadAverage[0]!.toFixed(2)}: what else runs here takes from what is measured.\n`,
    );
  }
  const machine = await describeMachine(loadAverage);
  const { contenders, unavailable } = await obtainContenders(
    CONTENDER_SOURCES.filter(({ id }) => options.contenders.includes(id)),
  );
  for (const { title, reason } of unavailable) process.stdout.write(`Without ${title}: ${reason}\n`);
  const cases = ALL_CASES.filter(({ id }) => options.cases.includes(id));
  const { rounds, seconds, quick } = options;
  const results = new Results();
  const command = ['npm run bench', ...(argv.length > 0 ? ['--', ...argv] : [])].join(' ');
  const out = resolve(options.out);
  for (let round = 1; round <= rounds; round += 1) {
    await runRound({ rounds, seconds, cases, contenders }, round, results);
    // After each, so that a run that is ended early has not been in vain.
    const input = { results, contenders, unavailable, titles: TITLES, machine, seconds, quick, command };
    await writeSection(out, SECTION, writeReport({ ...input, rounds: round }));
  }
  process.stdout.write(`\nThe report: ${out}\n`);
  return results.failures.length > 0 ? 1 : 0;
}

function whyNoPrograms(): string | undefined {
  const missing = PROGRAMS.filter((program) => !isInstalled(program));
  return missing.length > 0
    ? `not installed: ${missing.join(', ')} (on Debian: iproute2, iputils-ping, iperf3, wireguard-tools)`
    : undefined;
}

/** The exit handlers of the lab and of the tunnel ends remove everything, at once. */
function endOnSignals(): void {
  const codes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
  for (const [signal, code] of Object.entries(codes)) process.on(signal, () => process.exit(code));
}
