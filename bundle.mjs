// Bundles a command-line app from its TypeScript sources into dist/, one file per entry, so that it starts in about 0.1 s.
// koffi stays outside: its package carries the binaries. Called by the build scripts of apps/node, apps/relay and apps/wg.
import { build } from 'esbuild';

await build({
  entryPoints: process.argv.slice(2),
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  conditions: ['@shadownet/source'],
  external: ['koffi'],
  // CommonJS dependencies ask for `require`, which an ES module has to make for itself, under a name that no source uses.
  banner: {
    js: "import { createRequire as requireForBundle } from 'node:module'; const require = requireForBundle(import.meta.url);",
  },
  logLevel: 'warning',
});
