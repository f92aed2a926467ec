// `npm run bench`: looks whether the benchmark can work at all, sets up, then runs test/bench/main.ts with the command line. Plain
// JavaScript without dependencies, because nothing may be installed yet.
import { mkdirSync, rmSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { whyNoNamespaces, whyNoTun } from '../lab/requirements.mjs';
import { ROOT, setUp, SetUpError } from '../setup.mjs';

async function main(argv) {
  const loadAverage = loadavg();
  const isQuestion = argv.includes('--help');
  const reason = isQuestion ? undefined : (whyNoNamespaces() ?? whyNoTun());
  if (reason !== undefined) return fail(reason);
  try {
    if (!isQuestion && !argv.includes('--no-setup')) await setUp('benchmark');
  } catch (error) {
    if (error instanceof SetUpError) return fail(error.message);
    throw error;
  }
  const bundle = await makeBundle();
  process.once('exit', () => rmSync(bundle, { recursive: true, force: true }));
  const { runBenchmark } = await import(pathToFileURL(join(bundle, 'main.mjs')).href);
  process.exit(await runBenchmark(argv, loadAverage));
}

/** The benchmark, and beside it the process that sends the load of the handshake case. Node cannot run TypeScript at every version that is supported. */
async function makeBundle() {
  const { build } = await import('esbuild');
  const folder = join(ROOT, 'node_modules', '.cache', 'shadownet-bench', `run-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  await build({
    entryPoints: {
      main: join(ROOT, 'test', 'bench', 'main.ts'),
      'load-process': join(ROOT, 'test', 'bench', 'handshake-load', 'load-process.ts'),
    },
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['@shadownet/source'],
    external: ['koffi', 'prettier'],
    sourcemap: 'inline',
    logLevel: 'warning',
  });
  return folder;
}

function fail(message) {
  process.stderr.write(`The benchmark cannot run: ${message}\n`);
  process.exitCode = 1;
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  fail(error.stack ?? error.message);
}
