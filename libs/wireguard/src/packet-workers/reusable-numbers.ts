// Small numbers that name entries of shared tables. One that was given back is given out again only after every reader has
// passed an epoch, so that nobody can take the new entry for the old one (docs/adr, concurrency rules 2 and 8).

import type { SessionTable } from '../transport/session-table.js';

export class ReusableNumbers {
  readonly #sessions: SessionTable;
  readonly #free: number[] = [];
  readonly #retired: { readonly number: number; readonly epoch: number }[] = [];
  #unused = 0;

  /** The numbers 0…count − 1, under the epochs of `sessions`. */
  constructor(
    sessions: SessionTable,
    readonly count: number,
  ) {
    this.#sessions = sessions;
  }

  /** `undefined` if all are in use or not passed yet. */
  take(): number | undefined {
    while (this.#retired.length > 0 && this.#sessions.hasPassed(this.#retired[0]!.epoch)) {
      this.#free.push(this.#retired.shift()!.number);
    }
    return this.#free.pop() ?? (this.#unused < this.count ? this.#unused++ : undefined);
  }

  giveBack(number: number): void {
    this.#retired.push({ number, epoch: this.#sessions.raiseEpoch() });
  }
}
