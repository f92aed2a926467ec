// `npm run soak [-- --minutes N] [--dataplane linux|portable]`: two shadownet-wg with traffic between them for as long as one likes,
// ten minutes by default; it fails if their memory grows or a byte is wrong. Needs root, and what `npm run build` makes.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { isInstalled, whyNoLab } from '../lab/requirements.mjs';
import { ROOT } from '../setup.mjs';

async function main() {
  const { values } = parseArgs({ options: { minutes: { type: 'string' }, dataplane: { type: 'string' } } });
  const minutes = Number(values.minutes ?? '10');
  if (!(minutes > 0)) return fail(`"${values.minutes}" is not a number of minutes`);
  const reason = whyNoLab() ?? (isInstalled('wg') ? undefined : 'not installed: wg');
  if (reason !== undefined) return fail(reason);
  const { soak } = await loadSoak();
  process.exit(await soak(minutes, values.dataplane));
}

/** Node cannot run TypeScript at every version that is supported. */
async function loadSoak() {
  const { build } = await import('esbuild');
  const folder = join(ROOT, 'node_modules', '.cache', 'shadownet', `soak-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const outfile = join(folder, 'main.mjs');
  await build({
    entryPoints: [join(ROOT, 'test', 'soak', 'main.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['@shadownet/source'],
    logLevel: 'warning',
  });
  return import(pathToFileURL(outfile).href);
}

function fail(message) {
  process.stderr.write(`The soak cannot run: ${message}\n`);
  process.exitCode = 1;
}

await main();
