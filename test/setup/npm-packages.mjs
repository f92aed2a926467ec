// The npm dependencies: installed from the lock file when they differ from it, and sqlite3's binary downloaded or compiled.
// Nothing here prompts: package.json says which install scripts may run, and only sqlite3's is needed.
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { installCommand, installPackages, missingPackages } from './debian-packages.mjs';
import { runQuietly, SetUpError, step, tail } from './step.mjs';

export async function installNpmPackages(root) {
  const env = nodeHeadersEnvironment();
  if (!matchesLockFile(root)) {
    await step('installing the npm dependencies (takes a minute or two)', () =>
      npm(root, ['ci', '--ignore-scripts'], env),
    );
  }
  if (!hasSqliteBinary(root)) await provideSqliteBinary(root, env);
}

/** Whether node_modules holds exactly the versions of package-lock.json (npm keeps its own record of what it installed). */
function matchesLockFile(root) {
  const record = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(record)) return false;
  const installed = JSON.parse(readFileSync(record, 'utf8')).packages;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  return Object.entries(wanted)
    .filter(([path]) => path.includes('node_modules/'))
    .every(([path, { version, optional, peer }]) => {
      // Binaries for other platforms are in the lock file, but not installed.
      if (installed[path] === undefined) return optional === true || peer === true;
      return installed[path].version === version;
    });
}

function hasSqliteBinary(root) {
  return existsSync(join(root, 'node_modules', 'sqlite3', 'build', 'Release', 'node_sqlite3.node'));
}

async function provideSqliteBinary(root, env) {
  const rebuild = () => runQuietly(['npm', 'rebuild', 'sqlite3'], { cwd: root, env });
  const title = 'getting a binary of sqlite3 (compiled here if none can be downloaded: a minute)';
  let result = await step(title, rebuild);
  if (hasSqliteBinary(root)) return;
  const compilers = missingPackages('compiling');
  const { missing } = await installPackages(compilers);
  if (compilers.length > missing.length) result = await step('compiling sqlite3', rebuild);
  if (hasSqliteBinary(root)) return;
  const advice =
    missing.length > 0
      ? `install a compiler with "${installCommand(missing)}" and run this again`
      : `its compilation failed${env.npm_config_nodedir ? '' : "; it needs Node's headers (include/node/node.h beside bin/node) or access to nodejs.org"}`;
  throw new SetUpError(
    `No binary of sqlite3 can be downloaded for this machine: ${advice}.\n${tail(result.output, 12)}`,
  );
}

/** node-gyp downloads Node's headers unless it is told where they are; distributions and official archives ship them. */
function nodeHeadersEnvironment() {
  const prefix = dirname(dirname(realpathSync(process.execPath)));
  const known = process.env.npm_config_nodedir !== undefined;
  return !known && existsSync(join(prefix, 'include', 'node', 'node.h')) ? { npm_config_nodedir: prefix } : {};
}

async function npm(root, args, env) {
  const { ok, output } = await runQuietly(['npm', ...args, '--no-audit', '--no-fund'], { cwd: root, env });
  if (!ok) throw new SetUpError(`"npm ${args.join(' ')}" failed:\n${tail(output)}`);
}
