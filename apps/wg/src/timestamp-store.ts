// Reserved TAI64N timestamps on disk: a peer refuses initiations older than the last one it saw, so that a clock which went
// back while the process was down would lock us out. A peer remembers that for each key, wherever it comes from, and so there is
// a file for each key, whatever interface has it. Numbers in it only rise. Used by foreground.ts.

import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { encodeHex, type PublicKey } from '@shadownet/primitives';

/** More keys than that are not in use on one host: the ones whose reservations are the oldest go. */
const MAX_KEYS = 256;
const SUFFIX = '.timestamp';

export class TimestampStore {
  readonly #directory: string;
  readonly #onFailure: (error: Error) => void;
  #failed = false;

  /**
   * A file that cannot be read or written is told of once, and then the wall clock alone has to do, as with wireguard-go:
   * an interface that comes up is worth more than protection from a rare clock.
   */
  constructor(directory: string, onFailure: (error: Error) => void) {
    this.#directory = directory;
    this.#onFailure = onFailure;
  }

  /** Nanoseconds since the Unix epoch; 0n if nothing was reserved for this key yet. */
  read(publicKey: PublicKey): bigint {
    return this.#read(fileName(publicKey));
  }

  /** On disk when it returns. Another process with the same key may have reserved more. */
  reserve(publicKey: PublicKey, until: bigint): void {
    const name = fileName(publicKey);
    try {
      const before = this.#read(name);
      if (before >= until) return;
      mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
      this.#replace(name, `${until}\n`);
      if (before === 0n) this.#tidy();
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #read(name: string): bigint {
    const path = join(this.#directory, name);
    try {
      const text = readFileSync(path, 'utf8').trim();
      if (/^\d{1,20}$/.test(text)) return BigInt(text);
      this.#fail(new Error(`${path} holds no timestamp`));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#fail(error as Error);
    }
    return 0n;
  }

  #replace(name: string, text: string): void {
    const temporary = join(this.#directory, `${name}.${process.pid}`);
    const file = openSync(temporary, 'w', 0o600);
    try {
      writeSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, join(this.#directory, name));
  }

  #tidy(): void {
    const names = readdirSync(this.#directory).filter((name) => name.endsWith(SUFFIX));
    if (names.length <= MAX_KEYS) return;
    const ages = names.map((name) => ({ name, until: this.#read(name) }));
    ages.sort((a, b) => (a.until < b.until ? -1 : 1));
    for (const { name } of ages.slice(0, names.length - MAX_KEYS)) rmSync(join(this.#directory, name), { force: true });
  }

  #fail(error: Error): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#onFailure(error);
  }
}

/** In hexadecimal, since base64 has slashes. */
function fileName(publicKey: PublicKey): string {
  return `${encodeHex(publicKey)}${SUFFIX}`;
}
