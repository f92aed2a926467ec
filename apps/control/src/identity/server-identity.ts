// The server's X25519 key: made at the first start, kept in <data-dir>/server.key as 32 raw bytes.

import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, fsyncSync, linkSync, mkdirSync, openSync, readdirSync } from 'node:fs';
import { readFileSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type CryptoProvider, generatePrivateKey, type PrivateKey } from '@shadownet/crypto';
import { encodePublicKey, type PublicKey, publicKeyFromBytes, type PublicKeyText } from '@shadownet/primitives';
import { ControlError } from '../control-error.js';

const KEY_BYTES = 32;
const OTHERS = 0o077;

export class ServerIdentity {
  readonly publicKey: PublicKey;
  readonly publicKeyText: PublicKeyText;

  constructor(readonly privateKey: PrivateKey) {
    this.publicKey = publicKeyFromBytes(privateKey.publicKey)!;
    this.publicKeyText = encodePublicKey(this.publicKey);
  }

  /** Reads the key, or makes one. Throws ControlError `exposed-files` or `damaged-key`. */
  static load(crypto: CryptoProvider, dataDir: string): ServerIdentity {
    const path = join(dataDir, 'server.key');
    const bytes = readKey(path) ?? createKey(path);
    try {
      return new ServerIdentity(crypto.privateKey(bytes));
    } finally {
      bytes.fill(0);
    }
  }
}

/** Makes the directory, 0700. One that others can enter is refused, unless it is empty: then it is closed to them. */
export function prepareDataDir(dataDir: string): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  if ((statSync(dataDir).mode & OTHERS) === 0) return;
  if (readdirSync(dataDir).length > 0) {
    throw new ControlError('exposed-files', `${dataDir} is open to other users: run chmod 700 ${dataDir}`);
  }
  chmodSync(dataDir, 0o700);
}

function readKey(path: string): Uint8Array | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return undefined;
  if ((stat.mode & OTHERS) !== 0) {
    throw new ControlError(
      'exposed-files',
      `${path} can be read by other users. If nobody has read it, run chmod 600 ${path}`,
    );
  }
  const bytes = readFileSync(path);
  if (bytes.length !== KEY_BYTES) throw new ControlError('damaged-key', `${path} has ${bytes.length} bytes, not 32`);
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
