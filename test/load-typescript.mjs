// Bundles a TypeScript program of test/ and imports it, since Node cannot run TypeScript at every version that is supported. The
// bundle goes when the process ends. For the programs beside the tests: soak/soak.mjs, natgrid/natgrid.mjs, fleet/fleet.mjs.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from './setup.mjs';

/** What `test/<name>/main.ts` exports. */
export async function loadTypeScript(name) {
  const { build } = await import('esbuild');
  const folder = join(ROOT, 'node_modules', '.cache', 'shadownet', `${name}-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const outfile = join(folder, 'main.mjs');
  await build({
    entryPoints: [join(ROOT, 'test', name, 'main.ts')],
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
