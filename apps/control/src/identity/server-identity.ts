// The server's X25519 key: made at the first start, kept in <data-dir>/server.key as 32 raw bytes.

import { chmodSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type CryptoProvider, loadKeyFile, type PrivateKey } from '@shadownet/crypto';
import { encodePublicKey, type PublicKey, publicKeyFromBytes, type PublicKeyText } from '@shadownet/primitives';
import { ControlError } from '../control-error.js';

const OTHERS = 0o077;

export class ServerIdentity {
  readonly publicKey: PublicKey;
  readonly publicKeyText: PublicKeyText;

  constructor(readonly privateKey: PrivateKey) {
    this.publicKey = publicKeyFromBytes(privateKey.publicKey)!;
    this.publicKeyText = encodePublicKey(this.publicKey);
  }

  /** Reads the key, or makes one. Throws CryptoError `exposed-files` or `damaged-key`. */
  static load(crypto: CryptoProvider, dataDir: string): ServerIdentity {
    const bytes = loadKeyFile(join(dataDir, 'server.key'));
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
