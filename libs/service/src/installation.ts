// Puts a service into systemd and takes it out again. Each step is told in a sentence, for the person who asked for it.

import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { ServiceError } from './service-error.js';
import { formatUnit, type ServiceUnit } from './unit.js';

export interface InstallationOptions {
  /** Where the system lies; an image's root, unless it is `/`. There nothing is started. */
  readonly root: string;
}

export interface ConfigFile {
  /** Absolute, within the root. */
  readonly path: string;
  readonly text: string;
  /** A secret is for root alone. */
  readonly readers: 'everybody' | 'root';
}

const UNIT_DIRECTORY = '/etc/systemd/system';
const MODES = { everybody: 0o644, root: 0o600 } as const;
const READABLE_BY_OTHERS = 0o004;
const ENTERABLE_BY_OTHERS = 0o001;

/**
 * Writes the unit and its files, enables it, and starts it where systemd runs. Returns what was done. A file that is there with another
 * text stays, and nothing is done. Throws ServiceError.
 */
export async function installService(
  unit: ServiceUnit,
  files: readonly ConfigFile[],
  { root }: InstallationOptions,
): Promise<string[]> {
  requireRoot();
  const systemctl = await requireSystemctl();
  const done: string[] = [];
  const missing = files.filter((file) => isMissing(join(root, file.path), file.text));
  for (const file of missing) {
    const path = join(root, file.path);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, file.text, { mode: MODES[file.readers] });
    done.push(`wrote ${path}`);
  }
  const path = join(root, UNIT_DIRECTORY, `${unit.name}.service`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, formatUnit(unit), { mode: MODES.everybody });
  done.push(`wrote ${path}`);
  if (isRunning(root)) {
    await systemctl('daemon-reload');
    await systemctl('enable', unit.name);
    await systemctl('restart', unit.name);
    done.push(`enabled and started it; its log: journalctl -u ${unit.name}`);
  } else {
    await systemctl(`--root=${root}`, 'enable', unit.name);
    done.push('enabled it; systemd does not run there now, so it starts with the next boot');
  }
  return done;
}

/** Stops and disables the service and removes its unit; state and configuration stay. Returns what was done. Throws ServiceError. */
export async function uninstallService(name: string, { root }: InstallationOptions): Promise<string[]> {
  requireRoot();
  const path = join(root, UNIT_DIRECTORY, `${name}.service`);
  if (!existsSync(path)) throw new ServiceError('not-installed', `there is no ${path}`);
  const systemctl = await requireSystemctl();
  const done: string[] = [];
  if (isRunning(root)) {
    await systemctl('disable', '--now', name);
    done.push('stopped and disabled it');
  } else {
    await systemctl(`--root=${root}`, 'disable', name);
    done.push('disabled it');
  }
  rmSync(path);
  done.push(`removed ${path}`);
  if (isRunning(root)) await systemctl('daemon-reload');
  return done;
}

/**
 * The running program as a service can call it: the interpreter and the script, both resolved. Throws `program-private` where an
 * unprivileged user could not read them.
 */
export function ownCommand(): readonly [string, string] {
  const command = [realpathSync(process.execPath), realpathSync(process.argv[1] ?? '')] as const;
  for (const path of command) {
    const closed = firstClosedTo(path);
    if (closed === undefined) continue;
    throw new ServiceError(
      'program-private',
      `${path} cannot be read by the service's user, since ${closed} is closed to others: install the program where all may read it ` +
        '(npm install --global, with a Node.js outside of home directories)',
    );
  }
  return command;
}

/** ProtectHome hides these whatever their mode. */
const HOMES = /^\/(home|root|run\/user)\//;

/** The first folder on the way to the file, or the file, that others may not read. */
export function firstClosedTo(path: string): string | undefined {
  const home = HOMES.exec(path);
  if (home) return `/${home[1]!}`;
  for (let folder = dirname(path); folder !== '/'; folder = dirname(folder)) {
    if ((statSync(folder).mode & ENTERABLE_BY_OTHERS) === 0) return folder;
  }
  return (statSync(path).mode & READABLE_BY_OTHERS) === 0 ? path : undefined;
}

/** False if the file is there as it should be. Throws `config-differs`. */
function isMissing(path: string, text: string): boolean {
  if (!existsSync(path)) return true;
  if (readFileSync(path, 'utf8') === text) return false;
  throw new ServiceError(
    'config-differs',
    `${path} is there and says something else: edit it and leave out what it says here, or remove it`,
  );
}

function requireRoot(): void {
  if (process.geteuid?.() !== 0)
    throw new ServiceError('needs-root', 'only root may install services: run it with sudo');
}

/** sd_booted(3) for the running system; an image is never running. */
function isRunning(root: string): boolean {
  return root === '/' && existsSync('/run/systemd/system');
}

async function requireSystemctl(): Promise<(...args: string[]) => Promise<void>> {
  const call = promisify(execFile);
  try {
    await call('systemctl', ['--version']);
  } catch (error) {
    throw new ServiceError('no-systemd', 'systemctl is not there: this system does not start its services by systemd', {
      cause: error,
    });
  }
  return async (...args) => {
    try {
      await call('systemctl', args);
    } catch (error) {
      const { stderr, message } = error as Error & { stderr?: string };
      throw new ServiceError('systemctl-failed', `systemctl ${args.join(' ')}: ${(stderr ?? message).trim()}`, {
        cause: error,
      });
    }
  };
}
