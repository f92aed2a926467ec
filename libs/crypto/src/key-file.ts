// Secret keys on disk: 32 raw bytes in a file of their own that only this user can read, made when they are first needed.

import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { CryptoError } from './crypto-error.js';
import { generatePrivateKey } from './private-key.js';

const KEY_BYTES = 32;
/** The permissions that others would have. */
const OTHERS = 0o077;

/** Reads the key, or makes one: fit for X25519, and as a seed of Ed25519. Throws CryptoError `exposed-files` or `damaged-key`. */
export function loadKeyFile(path: string): Uint8Array {
  return readKey(path) ?? createKey(path);
}

function readKey(path: string): Uint8Array | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return undefined;
  if ((stat.mode & OTHERS) !== 0) {
    throw new CryptoError(
      'exposed-files',
      `${path} can be read by other users. If nobody has read it, run chmod 600 ${path}`,
    );
  }
  const bytes = readFileSync(path);
  if (bytes.length !== KEY_BYTES) throw new CryptoError('damaged-key', `${path} has ${bytes.length} bytes, not 32`);
  return bytes;
}

/** Written aside and linked into place, so that a crash leaves either no key or a whole one. */
function createKey(path: string): Uint8Array {
  const key = generatePrivateKey((length) => randomBytes(length));
  const draft = `${path}.${process.pid}`;
  const file = openSync(draft, 'wx', 0o600);
  try {
    writeSync(file, key);
    fsyncSync(file);
    linkSync(draft, path);
  } finally {
    closeSync(file);
    unlinkSync(draft);
  }
  return key;
}
