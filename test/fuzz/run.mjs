// `npm run fuzz [-- --seconds N | --inputs N] [--target NAME] [--seed N]`: the fuzz targets for longer than `npm test` runs them,
// one minute each with a fresh seed unless told otherwise. A failure prints the arguments that show it again.
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const option = { type: 'string' };
const { values } = parseArgs({ options: { seconds: option, inputs: option, target: option, seed: option } });
const { seed = String(randomInt(2 ** 31)), inputs, target } = values;
const seconds = values.seconds ?? (inputs === undefined ? '60' : undefined);
const environment = {
  ...process.env,
  SHADOWNET_FUZZ_SEED: seed,
  ...(seconds !== undefined && { SHADOWNET_FUZZ_SECONDS: seconds }),
  ...(inputs !== undefined && { SHADOWNET_FUZZ_INPUTS: inputs }),
  ...(target !== undefined && { SHADOWNET_FUZZ_TARGET: target }),
};
process.stdout.write(`seed ${seed}\n`);
const root = join(import.meta.dirname, '../..');
const program = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const vitest = [program, 'run', '--project', 'unit', 'test/fuzz', '--reporter=verbose'];
spawn(process.execPath, vitest, { cwd: root, stdio: 'inherit', env: environment }).on('close', (code) => {
  process.exitCode = code ?? 1;
});
