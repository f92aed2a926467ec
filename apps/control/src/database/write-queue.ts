// All work on the database, one piece at a time. TypeORM 0.3 has one SQLite connection: two transactions that overlap in
// time would become savepoints of each other, and a read in between would see what is rolled back later. What waits together
// is committed together, each piece in a savepoint of its own: a sync of the disk costs as much for one as for fifty.

import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { ApiError } from '../http/api-error.js';

/** More waiting work than this is refused as `unavailable`, so that an overloaded server answers instead of piling up. */
const MAX_WAITING = 4096;

/** Pieces of work per commit: 64 take about 50 ms. */
const MAX_GROUP = 64;

/**
 * What a commit survives. `power-cut`: it is on the disk. `kill`: it is with the operating system, so that the death of this
 * process takes nothing back, but a power cut may, in order, the newest commits first.
 */
export type Durability = 'power-cut' | 'kill';

interface Piece {
  readonly durability: Durability;
  /** Does the work in the group's transaction. Returns what to do once that is committed. */
  run(manager: EntityManager, alone: boolean): Promise<() => void>;
  fail(error: unknown): void;
}

@Injectable()
export class WriteQueue implements OnApplicationShutdown {
  #waiting: Piece[] = [];
  #running: Promise<void> | undefined;
  #size = 0;
  #closed = false;
  /** SQLite's own default, which stays between groups. */
  #durability: Durability = 'power-cut';

  constructor(private readonly dataSource: DataSource) {}

  /**
   * Runs `work` in a transaction, after everything that was queued before: all that it wrote is stored, or nothing if it
   * throws. `committed` runs right after the commit, in the order of the work, so that what it tells others is told in that
   * order; what it throws is the caller's, and undoes nothing.
   */
  transaction<Result>(
    work: (manager: EntityManager) => Promise<Result>,
    committed?: (result: Result) => void,
    durability: Durability = 'power-cut',
  ): Promise<Result> {
    if (this.#closed || this.#size >= MAX_WAITING) throw new ApiError('unavailable', 'The server is busy or stopping.');
    this.#size += 1;
    const result = new Promise<Result>((resolve, reject) => {
      this.#waiting.push({
        durability,
        run: async (manager, alone) => {
          const value = await (alone ? work(manager) : manager.transaction(work));
          return () => {
            committed?.(value);
            resolve(value);
          };
        },
        fail: reject,
      });
    }).finally(() => void (this.#size -= 1));
    this.#running ??= this.#drain();
    return result;
  }

  get closed(): boolean {
    return this.#closed;
  }

  async onApplicationShutdown(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #drain(): Promise<void> {
    // Whoever asked for this piece of work may ask for more before it begins.
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.#runGroup(this.#waiting.splice(0, MAX_GROUP));
    this.#running = undefined;
  }

  async #runGroup(group: readonly Piece[]): Promise<void> {
    const done: { readonly piece: Piece; readonly tell: () => void }[] = [];
    try {
      await this.#survive(group.some(({ durability }) => durability === 'power-cut') ? 'power-cut' : 'kill');
      await this.dataSource.transaction(async (manager) => {
        for (const piece of group) {
          try {
            done.push({ piece, tell: await piece.run(manager, group.length === 1) });
          } catch (error) {
            piece.fail(asRefusal(error));
            if (group.length === 1 || isFull(error)) throw error;
          }
        }
      });
    } catch (error) {
      for (const piece of group) piece.fail(asRefusal(error));
      return;
    }
    for (const { piece, tell } of done) {
      try {
        tell();
      } catch (error) {
        piece.fail(error);
      }
    }
  }

  /** In WAL mode `NORMAL` commits without a sync, and what was committed so is synced with the next commit that is `FULL`. */
  async #survive(durability: Durability): Promise<void> {
    if (durability === this.#durability) return;
    await this.dataSource.query(`PRAGMA synchronous = ${durability === 'kill' ? 'NORMAL' : 'FULL'}`);
    this.#durability = durability;
  }
}

/** SQLite has taken the whole transaction back then, with all savepoints. */
function isFull(error: unknown): boolean {
  return error instanceof Error && /^SQLITE_FULL|ENOSPC/.test(error.message);
}

function asRefusal(error: unknown): unknown {
  return isFull(error) ? new ApiError('unavailable', 'The server cannot store anything: its disk is full.') : error;
}
