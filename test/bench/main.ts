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
import { runRounds } from './rounds.js';

const PROGRAMS = ['ip', 'ping', 'iperf3', 'wg'];
const SECTION = 'data-plane';

const KNOWN: KnownNames = {
  cases: ALL_CASES.map(({ id }) => id),
  contenders: CONTENDER_SOURCES.map(({ id }) => id),
};

/** Returns the exit code. */
export async function runBenchmark(argv: readonly string[]): Promise<number> {
  const parsed = parseOptions(argv, KNOWN);
  switch (parsed.kind) {
    case 'help':
      process.stdout.write(usage(KNOWN));
      return 0;
    case 'refused':
      process.stderr.write(`${parsed.reason}\n\n${usage(KNOWN)}`);
      return 2;
    case 'run':
      return measure(parsed.options, argv);
  }
}

async function measure(options: BenchOptions, argv: readonly string[]): Promise<number> {
  const reason = whyNoNamespaces() ?? whyNoTun() ?? whyNoPrograms();
  if (reason !== undefined) {
    process.stderr.write(`The benchmark cannot run: ${reason}\n`);
    return 1;
  }
  endOnSignals();
  const machine = await describeMachine();
  const { contenders, unavailable } = await obtainContenders(
    CONTENDER_SOURCES.filter(({ id }) => options.contenders.includes(id)),
  );
  for (const { title, reason } of unavailable) process.stdout.write(`Without ${title}: ${reason}\n`);
  const cases = ALL_CASES.filter(({ id }) => options.cases.includes(id));
  const { rounds, seconds, quick } = options;
  const results = await runRounds({ rounds, seconds, cases, contenders });
  const command = ['npm run bench', ...(argv.length > 0 ? ['--', ...argv] : [])].join(' ');
  const out = resolve(options.out);
  const input = { results, contenders, unavailable, machine, rounds, seconds, quick, command };
  await writeSection(out, SECTION, writeReport(input));
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
