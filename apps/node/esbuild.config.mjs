// Bundles the CLI into one file (koffi stays outside: it carries its binaries), so that it starts in about 0.1 s.
import { build } from 'esbuild';

await build({
  entryPoints: ['src/main.ts'],
  outfile: 'dist/main.js',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  conditions: ['@shadownet/source'],
  external: ['koffi'],
  // CommonJS dependencies ask for `require`, which an ES module has to make for itself.
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  logLevel: 'warning',
});
