// `npm run natgrid`: looks whether the grid can be laid out at all, then runs test/natgrid/main.ts with the command line. Needs
// root, and what `npm run build` makes.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isInstalled, whyNoIpv6, whyNoLab } from '../lab/requirements.mjs';
import { ROOT } from '../setup.mjs';

async function main(argv) {
  const reason = argv.includes('--help') ? undefined : (whyNoLab() ?? whyNoIpv6() ?? whyNoMiniupnpd());
  if (reason !== undefined) return fail(reason);
  const { runNatGrid } = await loadNatGrid();
  process.exit(await runNatGrid(argv));
}

function whyNoMiniupnpd() {
  return isInstalled('miniupnpd') ? undefined : 'not installed: miniupnpd (on Debian: miniupnpd-iptables)';
}

/** Node cannot run TypeScript at every version that is supported. */
async function loadNatGrid() {
  const { build } = await import('esbuild');
  const folder = join(ROOT, 'node_modules', '.cache', 'shadownet', `natgrid-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const outfile = join(folder, 'main.mjs');
  await build({
    entryPoints: [join(ROOT, 'test', 'natgrid', 'main.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['@shadownet/source'],
    external: ['prettier'],
    sourcemap: 'inline',
    logLevel: 'warning',
  });
  return import(pathToFileURL(outfile).href);
}

function fail(message) {
  process.stderr.write(`The grid cannot run: ${message}\n`);
  process.exitCode = 1;
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  fail(error.stack ?? error.message);
}
