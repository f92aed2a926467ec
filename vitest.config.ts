// Two projects: `unit` (specs beside their sources, and the scenarios of test/ that need no root) and `e2e` (namespaces, root).
import { defineConfig } from 'vitest/config';

// Without 'import' and 'default', which would reach Node's own require() too and hand it ES modules.
const resolve = { conditions: ['@shadownet/source', 'node'] };

export default defineConfig({
  test: {
    projects: [
      {
        resolve,
        ssr: { resolve },
        test: {
          name: 'unit',
          include: [
            '{libs,apps}/*/src/**/*.spec.ts',
            'test/{bench,conformance,fuzz,natgrid,simulation,soak}/**/*.spec.ts',
          ],
          testTimeout: 20_000,
        },
      },
      {
        resolve,
        ssr: { resolve },
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.spec.ts'],
          testTimeout: 180_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          // The machine is shared, and these tests wait for kernels and processes; second-try-reporter.mjs names those that needed it.
          retry: 1,
        },
      },
    ],
  },
});
