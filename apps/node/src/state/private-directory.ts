// Directories that only the user who runs the node may enter, and files in them that are replaced as a whole.

import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { NodeError } from '../node-error.js';

const OTHERS_MAY_WRITE = 0o022;

/**
 * Makes the directory with mode 0700 (its parents with the usual mode), or checks the one that is there: nobody else may
 * write into it. Throws `state-exposed` or `state-unusable`.
 */
export function ensurePrivateDirectory(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unusable(path, error);
  }
  const { mode, uid } = statSync(path);
  if (uid !== process.geteuid?.()) {
    throw new NodeError('state-exposed', `${path} belongs to another user: choose another directory or chown it`);
  }
  if ((mode & OTHERS_MAY_WRITE) !== 0) {
    throw new NodeError('state-exposed', `${path} can be written by others: run chmod 700 ${path}`);
  }
}

/** Replaces the file at once (a reader sees the old or the new text, also after a crash). Mode 0600. */
export function replaceFile(path: string, text: string): void {
  const temporary = `${path}.new`;
  try {
    const file = openSync(temporary, 'w', 0o600);
    try {
      writeSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    throw unusable(path, error);
  }
}

export function unusable(path: string, cause: unknown): NodeError {
  return new NodeError('state-unusable', `${path}: ${(cause as Error).message}`, { cause });
}
