// `node test/bench/relay/relay-bench.mjs [other clients] [seconds]`: bundles and runs relay-bench.ts, which says what is measured.
// Needs `npm run build` of the control server.
import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const ROOT = resolve(HERE, '../../..');
const folder = join(ROOT, 'node_modules', '.cache', 'shadownet-bench', `relay-${process.pid}`);
mkdirSync(folder, { recursive: true });
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
process.chdir(ROOT);
await build({
  entryPoints: { 'relay-bench': join(HERE, 'relay-bench.ts'), 'relay-load': join(HERE, 'relay-load.ts') },
  outdir: folder,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  conditions: ['@shadownet/source'],
  external: ['koffi', 'esbuild'],
  banner: {
    js: "import { createRequire as requireForBundle } from 'node:module'; const require = requireForBundle(import.meta.url);",
  },
  logLevel: 'warning',
});
const [idleClients = '1000', seconds = '5'] = process.argv.slice(2);
const { runRelayBench } = await import(pathToFileURL(join(folder, 'relay-bench.mjs')).href);
await runRelayBench({ idleClients: Number(idleClients), seconds: Number(seconds), payloadBytes: 1312 });
process.exit();
