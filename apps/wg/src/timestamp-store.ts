// Reserved TAI64N timestamps on disk: a peer refuses initiations older than the last one it saw, so that a clock which went
// back while the process was down would lock us out. One file for each interface name; it only ever rises.

import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

export class TimestampFile {
  readonly #path: string;
  readonly #onFailure: (error: Error) => void;
  #failed = false;

  /**
   * A file that cannot be read or written is told of once, and then the wall clock alone has to do, as with wireguard-go:
   * an interface that comes up is worth more than protection from a rare clock.
   */
  constructor(stateDirectory: string, interfaceName: string, onFailure: (error: Error) => void) {
    this.#path = join(stateDirectory, `${interfaceName}.timestamp`);
    this.#onFailure = onFailure;
  }

  /** Nanoseconds since the Unix epoch; 0n if nothing was reserved yet. */
  read(): bigint {
    try {
      const text = readFileSync(this.#path, 'utf8').trim();
      if (/^\d{1,20}$/.test(text)) return BigInt(text);
      this.#fail(new Error(`${this.#path} holds no timestamp`));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#fail(error as Error);
    }
    return 0n;
  }

  /** On disk when it returns. An interface of the same name in another network namespace may have reserved more. */
  reserve(until: bigint): void {
    try {
      if (this.read() >= until) return;
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      const temporary = `${this.#path}.${process.pid}`;
      const file = openSync(temporary, 'w', 0o600);
      try {
        writeSync(file, `${until}\n`);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(temporary, this.#path);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #fail(error: Error): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#onFailure(error);
  }
}
