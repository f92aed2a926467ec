// For specs: a worker thread's TypeScript entry, bundled to a file that a Worker can be started from.

import { build } from 'esbuild';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { onTestFinished } from 'vitest';

/** The URL of the bundle, which is removed when the test is over. koffi stays a package, found from this repository. */
export async function bundleThread(entry: URL): Promise<URL> {
  const source = fileURLToPath(entry);
  const folder = await mkdtemp(join(tmpdir(), 'shadownet-thread-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const outfile = join(folder, `${basename(source, '.ts')}.mjs`);
  // Under a name that no source uses, as in bundle.mjs.
  const banner = [
    `import { createRequire as requireForThread } from 'node:module';`,
    `const require = requireForThread(${JSON.stringify(source)});`,
  ].join(' ');
  await build({
    entryPoints: [source],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['@shadownet/source'],
    external: ['koffi'],
    define: { 'import.meta.url': JSON.stringify(entry.href) },
    banner: { js: banner },
    logLevel: 'warning',
  });
  return pathToFileURL(outfile);
}
