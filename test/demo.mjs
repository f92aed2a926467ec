// `npm run demo`: two hosts behind two NATs reach each other, on this machine. Looks first whether it can work at all, then sets
// up, then runs test/demo/main.ts. Plain JavaScript without dependencies, because nothing is installed yet.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { whyPortIsTaken } from './demo/free-port.mjs';
import { whyNoNamespaces, whyNoTun } from './lab/requirements.mjs';
import { ROOT, setUp, SetUpError } from './setup.mjs';

const USAGE = `Usage: npm run demo [-- --once] [--port N]

  --once     end when everything was shown; the exit code says whether it all worked
  --port N   the port of localhost at which the dashboard is reached (default 8080)
`;

async function main() {
  const options = readOptions();
  if (options === undefined) return;
  const reason = whyNoNamespaces() ?? whyNoTun() ?? (await whyPortIsTaken(options.port));
  if (reason !== undefined) return fail(reason);
  try {
    await setUp('demo');
  } catch (error) {
    if (error instanceof SetUpError) return fail(error.message);
    throw error;
  }
  const { runDemo } = await loadDemo();
  // Everything is removed by now; what still waits for something in vain must not hold up the end.
  process.exit(await runDemo(options));
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: { once: { type: 'boolean' }, port: { type: 'string' }, help: { type: 'boolean' } },
    });
    if (values.help) return void process.stdout.write(USAGE);
    const port = Number(values.port ?? '8080');
    if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error(`"${values.port}" is not a port`);
    return { once: values.once ?? false, port };
  } catch (error) {
    process.stderr.write(`${error.message}\n\n${USAGE}`);
    process.exitCode = 2;
    return undefined;
  }
}

function fail(message) {
  process.stderr.write(`The demo cannot run: ${message}\n`);
  process.exitCode = 1;
}

/** Node cannot run TypeScript at every version that is supported; a bundle takes a tenth of a second. */
async function loadDemo() {
  const { build } = await import('esbuild');
  const bundle = join(ROOT, 'node_modules', '.cache', 'shadownet', `demo-${process.pid}.mjs`);
  try {
    await build({
      entryPoints: [join(ROOT, 'test', 'demo', 'main.ts')],
      outfile: bundle,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      packages: 'external',
      sourcemap: 'inline',
      logLevel: 'warning',
    });
    return await import(pathToFileURL(bundle).href);
  } finally {
    rmSync(bundle, { force: true });
  }
}

try {
  await main();
} catch (error) {
  fail(error.message);
}
