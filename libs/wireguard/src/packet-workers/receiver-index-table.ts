// Which slot of the session table a receiver index stands for, in a SharedArrayBuffer: an open-addressed hash table that the
// main thread writes and packet workers read. A cell holds only a slot; the index itself stands in the session, so a reader
// that comes at any moment either finds the right session or none. Indices are random, so they serve as their own hash.

import type { SessionIndex } from '../session-index.js';
import type { SessionRef, SessionTable } from '../transport/session-table.js';

const FREE = 0;
/** Was used: a search goes on behind it. */
const VACATED = -1;
/** At most a quarter of the cells are in use. */
const CELLS_PER_SLOT = 4;

export class ReceiverIndexTable {
  readonly buffer: SharedArrayBuffer;
  readonly #cells: Int32Array;
  readonly #mask: number;
  readonly #sessions: SessionTable;

  /** Over the same sessions, in a new buffer or in the one that the main thread made. */
  constructor(sessions: SessionTable, buffer = new SharedArrayBuffer(4 * cellCount(sessions.slots))) {
    this.buffer = buffer;
    this.#cells = new Int32Array(buffer);
    this.#mask = this.#cells.length - 1;
    this.#sessions = sessions;
  }

  /** Main thread only. The session is in its slot already. */
  add(index: SessionIndex, slot: number): void {
    let cell = index & this.#mask;
    while (Atomics.load(this.#cells, cell) > 0) cell = (cell + 1) & this.#mask;
    Atomics.store(this.#cells, cell, slot + 1);
  }

  /** Main thread only. */
  delete(index: SessionIndex, slot: number): void {
    let cell = index & this.#mask;
    for (let value = Atomics.load(this.#cells, cell); value !== slot + 1; value = Atomics.load(this.#cells, cell)) {
      if (value === FREE) return;
      cell = (cell + 1) & this.#mask;
    }
    Atomics.store(this.#cells, cell, VACATED);
    // Nothing lies behind the end of a run, so that a search may as well end before it.
    if (Atomics.load(this.#cells, (cell + 1) & this.#mask) !== FREE) return;
    while (Atomics.load(this.#cells, cell) === VACATED) {
      Atomics.store(this.#cells, cell, FREE);
      cell = (cell - 1) & this.#mask;
    }
  }

  /** The live session with this index of ours. */
  find(index: number): SessionRef | undefined {
    let cell = index & this.#mask;
    for (let value = Atomics.load(this.#cells, cell); value !== FREE; value = Atomics.load(this.#cells, cell)) {
      const session = value > 0 ? this.#sessions.liveSession(value - 1) : undefined;
      if (session && this.#sessions.localIndex(session) === index >>> 0) return session;
      cell = (cell + 1) & this.#mask;
    }
    return undefined;
  }
}

function cellCount(slots: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, slots) * CELLS_PER_SLOT));
}
