// The set-up that `npm run demo` and `npm test` begin with: everything between a fresh clone and a built tree. Plain JavaScript
// without dependencies, because nothing is installed yet. Two runs in one folder wait for each other.
import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { installCommand, installPackages, missingPackages } from './setup/debian-packages.mjs';
import { installNpmPackages } from './setup/npm-packages.mjs';
import { runQuietly, SetUpError, step } from './setup/step.mjs';

export { SetUpError } from './setup/step.mjs';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

const OLDEST_NODE = [20, 19];

/**
 * No daemon of nx stays behind, and no text interface takes the terminal.
 * For everything that is run after the set-up too.
 */
export const NX_ENVIRONMENT = { NX_DAEMON: 'false', NX_TUI: 'false' };

/**
 * `purpose` is "demo", "tests" or "benchmark". Throws a SetUpError with a message for the user. Packages that the tests would like to have and
 * cannot get are only reported: the tests that need them say that they are skipped.
 */
export async function setUp(purpose) {
  requireNodeVersion();
  const unlock = lockFolder();
  try {
    process.stdout.write('Set-up\n');
    await installDebianPackages(purpose);
    await installNpmPackages(ROOT);
    await step('building', build);
  } finally {
    unlock();
  }
}

function requireNodeVersion() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new SetUpError(
    `Node.js ${OLDEST_NODE.join('.')} or newer is needed, and this is ${process.versions.node}: see https://nodejs.org/en/download.`,
  );
}

async function installDebianPackages(purpose) {
  const { missing, reason } = await installPackages(missingPackages(purpose));
  if (missing.length === 0) return;
  const message = `Missing: ${missing.join(', ')} (${reason}). To install: ${installCommand(missing)}`;
  if (purpose === 'demo') throw new SetUpError(message);
  process.stdout.write(`  ${message}\n`);
}

async function build() {
  const { ok, output } = await runQuietly(['npm', 'run', 'build'], { cwd: ROOT, env: NX_ENVIRONMENT });
  if (!ok) throw new SetUpError(`"npm run build" failed:\n${output.trim()}`);
}

/**
 * Takes flock(2) on the repository's folder. The lock belongs to the open file, which flock(1) inherits, so it holds when that
 * program has ended, and the kernel takes it back however this process ends.
 */
function lockFolder() {
  const descriptor = openSync(ROOT, 'r');
  const flock = (...options) =>
    spawnSync('flock', [...options, '3'], { stdio: ['ignore', 'ignore', 'ignore', descriptor] }).status;
  if (flock('--nonblock') === 1) {
    process.stdout.write('Another set-up works in this folder; waiting for it.\n');
    flock('--exclusive');
  }
  return () => closeSync(descriptor);
}
