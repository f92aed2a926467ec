// For specs, also those of the apps: the relay's thread as one file that a Worker can be started from.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';

const ENTRY = new URL('./relay-worker-entry.contract.ts', import.meta.url);

/** The URL of the bundle, and what removes it. koffi stays a package, found from this repository. */
export function bundleRelayWorker(): { readonly entry: URL; readonly remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'shadownet-relay-'));
  const outfile = join(folder, 'relay-worker.mjs');
  const require = `requireForThread(${JSON.stringify(fileURLToPath(ENTRY))})`;
  buildSync({
    ...{ entryPoints: [fileURLToPath(ENTRY)], outfile, bundle: true, platform: 'node', format: 'esm' },
    ...{ conditions: ['@shadownet/source'], external: ['koffi'], logLevel: 'warning' },
    define: { 'import.meta.url': JSON.stringify(ENTRY.href) },
    banner: { js: `import { createRequire as requireForThread } from 'node:module'; const require = ${require};` },
  });
  return { entry: pathToFileURL(outfile), remove: () => rmSync(folder, { recursive: true, force: true }) };
}
