// The node's private key on disk: 44 characters of base64 and a newline, as `wg genkey` prints it, readable by its owner only.

import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import type { RandomBytes } from '@shadownet/crypto';
import { generatePrivateKey } from '@shadownet/crypto';
import { decodeBase64, encodeBase64, Secret } from '@shadownet/primitives';
import { NodeError } from '../node-error.js';
import { unusable } from './private-directory.js';

const OTHERS_MAY_DO_ANYTHING = 0o077;
const MAX_FILE_BYTES = 256;

export interface LoadedPrivateKey {
  /** 32 bytes, owned by the caller, who zeroes them. */
  readonly key: Secret;
  /** True if there was none before. */
  readonly created: boolean;
}

/** Reads the key, or makes one. Throws `state-exposed` if group or others may touch the file, `state-unusable` if it holds no key. */
export function loadPrivateKey(path: string, random: RandomBytes): LoadedPrivateKey {
  try {
    return { key: readPrivateKey(path), created: false };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      throw error instanceof NodeError ? error : unusable(path, error);
  }
  return { key: createPrivateKey(path, random), created: true };
}

function readPrivateKey(path: string): Secret {
  const file = openSync(path, 'r');
  const content = new Uint8Array(MAX_FILE_BYTES);
  try {
    // The descriptor is asked, not the path: nothing can be swapped in between.
    const { mode } = fstatSync(file);
    if ((mode & OTHERS_MAY_DO_ANYTHING) !== 0) {
      const shown = (mode & 0o777).toString(8).padStart(4, '0');
      throw new NodeError(
        'state-exposed',
        `${path} can be read by others (mode ${shown}): run chmod 600 ${path}, or delete it to get a new identity`,
      );
    }
    const length = readSync(file, content, 0, content.length, 0);
    const key = decodeBase64(Buffer.from(content.buffer, 0, length).toString('latin1').trim());
    if (key?.length !== 32) {
      throw new NodeError('state-unusable', `${path} holds no private key: 44 characters of base64 are expected`);
    }
    return Secret.own(key);
  } finally {
    content.fill(0);
    closeSync(file);
  }
}

function createPrivateKey(path: string, random: RandomBytes): Secret {
  const key = generatePrivateKey(random);
  try {
    const file = openSync(path, 'wx', 0o600);
    try {
      writeSync(file, `${encodeBase64(key)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    key.fill(0);
    throw unusable(path, error);
  }
  return Secret.own(key);
}
