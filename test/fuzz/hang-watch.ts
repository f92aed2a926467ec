// Tells of an input that never returns: nothing in the thread that hangs could. A second thread watches a counter, and when it
// stands still the process is ended with one line that says how to replay it.
import { Worker } from 'node:worker_threads';

const HANG_MS = 10_000;

const WATCHER = `
  const { workerData: { cell, message, hangMs } } = require('node:worker_threads');
  const step = new Int32Array(cell);
  for (let seen = -1; ; ) {
    if (Atomics.load(step, 1) === 1) break;
    if (Atomics.load(step, 0) === seen) {
      require('node:fs').writeSync(2, message + ' ' + seen + '\\n');
      process.kill(process.pid, 'SIGKILL');
    }
    seen = Atomics.load(step, 0);
    Atomics.wait(step, 1, 0, hangMs);
  }`;

export class HangWatch {
  readonly #cell = new Int32Array(new SharedArrayBuffer(8));
  readonly #watcher: Worker;

  /** Writes `message` when no step was made for ten seconds. */
  constructor(message: string) {
    this.#watcher = new Worker(WATCHER, {
      eval: true,
      workerData: { cell: this.#cell.buffer, message, hangMs: HANG_MS },
    });
    this.#watcher.unref();
  }

  step(): void {
    Atomics.add(this.#cell, 0, 1);
  }

  end(): void {
    Atomics.store(this.#cell, 1, 1);
    Atomics.notify(this.#cell, 1);
  }
}
