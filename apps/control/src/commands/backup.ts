// `shadownet-control backup`, `restore` and `migrate`: all that a server is, its database and its keys, to another folder and back.

import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { DataSource } from 'typeorm';
import { adminSocketPath, requireNoServerAt } from '../auth/admin-socket.js';
import { defaultDataDir } from '../config.js';
import { ControlError } from '../control-error.js';
import { DATABASE_FILE, databaseOptions } from '../database/database.module.js';
import { prepareDataDir } from '../identity/server-identity.js';

interface DataDirOption {
  readonly dataDir: string;
}

export function addBackupCommands(program: Command): void {
  const dataDir = (): Option => new Option('--data-dir <directory>', "the server's folder").default(defaultDataDir());
  program
    .command('backup <folder>')
    .description('copy database and keys into a new folder, also while the server runs')
    .addOption(dataDir())
    .action(async (folder: string, options: DataDirOption) => say(await backUp(options.dataDir, resolve(folder))));
  program
    .command('restore <folder>')
    .description('make a new --data-dir out of a backup')
    .addOption(dataDir())
    .action(async (folder: string, options: DataDirOption) => say(await restore(resolve(folder), options.dataDir)));
  program
    .command('migrate')
    .description('bring the database up to date without starting the server, which does it, too')
    .addOption(dataDir())
    .action(async (options: DataDirOption) => say(await migrate(options.dataDir)));
}

/** Throws ControlError `unusable-files`; then there is no folder. */
export async function backUp(dataDir: string, folder: string): Promise<string> {
  requireDatabase(dataDir);
  if (existsSync(folder)) throw unusable(`${folder} exists: a backup gets a folder of its own`);
  const unfinished = `${folder}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(dirname(folder), { recursive: true });
  mkdirSync(unfinished, { mode: 0o700 });
  try {
    await withDatabase(dataDir, async (database) => {
      // One consistent state, whatever the server writes meanwhile.
      await database.query('VACUUM INTO ?', [join(unfinished, DATABASE_FILE)]);
    });
    const keys = copyFiles(dataDir, unfinished, isKey);
    chmodSync(join(unfinished, DATABASE_FILE), 0o600);
    await requireSound(unfinished);
    renameSync(unfinished, folder);
    return `${folder} has the database and ${keys.join(', ')}: whoever reads it can pose as this server`;
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    throw error instanceof ControlError ? error : unusable(`${folder}: ${(error as Error).message}`, error);
  }
}

/** Throws ControlError `already-running` or `unusable-files`; then the data directory is as it was. */
export async function restore(folder: string, dataDir: string): Promise<string> {
  requireDatabase(folder);
  await requireNoServerAt(adminSocketPath(dataDir));
  if (existsSync(dataDir) && readdirSync(dataDir).length > 0) {
    throw unusable(`${dataDir} is not empty: move it away first, or choose another --data-dir`);
  }
  await requireSound(folder);
  prepareDataDir(dataDir);
  const files = copyFiles(folder, dataDir, (name) => isKey(name) || name === DATABASE_FILE);
  return `${dataDir} has ${files.join(', ')}: start the server`;
}

/** Throws ControlError `already-running` or `unusable-files`. */
export async function migrate(dataDir: string): Promise<string> {
  requireDatabase(dataDir);
  await requireNoServerAt(adminSocketPath(dataDir));
  const done = await withDatabase(dataDir, (database) => database.runMigrations());
  if (done.length === 0) return 'the database is up to date';
  return `the database is up to date: ${done.map(({ name }) => name).join(', ')}`;
}

function isKey(name: string): boolean {
  return name.endsWith('.key');
}

function copyFiles(from: string, to: string, isWanted: (name: string) => boolean): string[] {
  const names = readdirSync(from)
    .filter((name) => isWanted(name) && statSync(join(from, name)).isFile())
    .sort();
  for (const name of names) {
    copyFileSync(join(from, name), join(to, name));
    chmodSync(join(to, name), 0o600);
  }
  return names;
}

async function requireSound(folder: string): Promise<void> {
  const findings = await withDatabase(folder, (database) =>
    database.query<{ integrity_check: string }[]>('PRAGMA integrity_check'),
  ).catch((error: unknown) => {
    throw unusable(`${join(folder, DATABASE_FILE)}: ${(error as Error).message}`, error);
  });
  const [first] = findings;
  if (first?.integrity_check !== 'ok') throw unusable(`${join(folder, DATABASE_FILE)} is damaged`);
}

function requireDatabase(folder: string): void {
  if (!existsSync(join(folder, DATABASE_FILE))) throw unusable(`${folder} has no ${DATABASE_FILE}`);
}

async function withDatabase<T>(folder: string, use: (database: DataSource) => Promise<T>): Promise<T> {
  const database = new DataSource({ ...databaseOptions(folder), migrationsRun: false });
  await database.initialize();
  try {
    return await use(database);
  } finally {
    await database.destroy();
  }
}

function unusable(message: string, cause?: unknown): ControlError {
  return new ControlError('unusable-files', message, { cause });
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
