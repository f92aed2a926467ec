// All work on the database, one piece at a time. TypeORM 0.3 has one SQLite connection: two transactions that overlap in
// time would become savepoints of each other, and a read in between would see what is rolled back later.

import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { ApiError } from '../http/api-error.js';

/** More waiting work than this is refused as `unavailable`, so that an overloaded server answers instead of piling up. */
const MAX_WAITING = 4096;

@Injectable()
export class WriteQueue implements OnApplicationShutdown {
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #closed = false;

  constructor(private readonly dataSource: DataSource) {}

  /**
   * Runs `work` in a transaction of its own, after everything that was queued before: all that it wrote is stored, or
   * nothing if it throws. `committed` runs right after the commit and before any later work, so that what it tells others
   * is told in the order of the commits; what it throws is the caller's, and undoes nothing.
   */
  transaction<Result>(
    work: (manager: EntityManager) => Promise<Result>,
    committed?: (result: Result) => void,
  ): Promise<Result> {
    if (this.#closed || this.#waiting >= MAX_WAITING)
      throw new ApiError('unavailable', 'The server is busy or stopping.');
    this.#waiting += 1;
    const result = this.#tail.then(async () => {
      try {
        const value = await this.dataSource.transaction(work);
        committed?.(value);
        return value;
      } finally {
        this.#waiting -= 1;
      }
    });
    this.#tail = result.catch(() => undefined);
    return result;
  }

  get closed(): boolean {
    return this.#closed;
  }

  async onApplicationShutdown(): Promise<void> {
    this.#closed = true;
    await this.#tail;
  }
}
