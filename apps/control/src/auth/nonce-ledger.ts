// Uses up the nonces of requests that change nothing by themselves: heartbeats, and reads of the map. They come by the
// thousand, so those of a few milliseconds are stored together, in a commit that survives the death of the process but does
// not wait for the disk. Nothing is done for a request before its nonce is stored, so no replay passes, also after kill -9.

import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type Clock, CLOCK } from '../clock.js';
import { WriteQueue } from '../database/write-queue.js';
import { ApiError } from '../http/api-error.js';
import type { Caller } from './caller.js';
import { NonceEntity } from './nonce.entity.js';

/** Longer than a request can be fresh: 300 s before and 300 s after the server's time. */
export const NONCE_LIFETIME_MS = 15 * 60_000;

/** How long a nonce waits for others to be stored with. */
const GATHER_MS = 4;
/** Rows of one INSERT; SQLite takes 32,766 parameters. */
const MAX_ROWS = 1000;
const MAX_WAITING = 4096;

interface Waiting {
  readonly caller: Caller;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

@Injectable()
export class NonceLedger {
  #waiting: Waiting[] = [];
  #state: 'idle' | 'gathering' = 'idle';

  constructor(
    private readonly queue: WriteQueue,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Resolves once the nonce is stored. Throws ApiError `nonce-replayed` if it was before. */
  use(caller: Caller): Promise<void> {
    if (this.#waiting.length >= MAX_WAITING) throw new ApiError('unavailable', 'The server is busy.');
    const used = new Promise<void>((resolve, reject) => this.#waiting.push({ caller, resolve, reject }));
    if (this.#state === 'idle') {
      this.#state = 'gathering';
      setTimeout(() => {
        this.#state = 'idle';
        void this.#store(this.#waiting.splice(0));
      }, GATHER_MS);
    }
    return used;
  }

  /** As `use`, in a transaction of the caller's: the nonce is used up if that commits. */
  async useIn(manager: EntityManager, caller: Caller): Promise<void> {
    try {
      await insertNonces(manager, [caller], this.clock.wall() + NONCE_LIFETIME_MS);
    } catch (error) {
      throw replayOr(error);
    }
  }

  async #store(all: readonly Waiting[]): Promise<void> {
    for (let at = 0; at < all.length; at += MAX_ROWS) {
      const some = all.slice(at, at + MAX_ROWS);
      try {
        await this.#insert(some);
        for (const { resolve } of some) resolve();
      } catch (error) {
        if (some.length === 1) some[0]!.reject(replayOr(error));
        // One of them is a replay; each finds out for itself which.
        else for (const one of some) void this.#store([one]);
      }
    }
  }

  #insert(some: readonly Waiting[]): Promise<void> {
    const callers = some.map(({ caller }) => caller);
    return this.queue.transaction(
      (manager) => insertNonces(manager, callers, this.clock.wall() + NONCE_LIFETIME_MS),
      undefined,
      'kill',
    );
  }
}

/** By hand, because the entity manager spends as long on each row as the rest of a heartbeat takes. */
async function insertNonces(manager: EntityManager, callers: readonly Caller[], expiresAt: number): Promise<void> {
  const { tablePath } = manager.connection.getMetadata(NonceEntity);
  const rows = callers.map((_, at) => `($${3 * at + 1}, $${3 * at + 2}, $${3 * at + 3})`);
  const values = callers.flatMap(({ publicKey, nonce }) => [publicKey, nonce, expiresAt]);
  await manager.query(`INSERT INTO ${tablePath} (public_key, nonce, expires_at) VALUES ${rows.join(', ')}`, values);
}

/** SQLite's and PostgreSQL's words for a row that is there already. */
function replayOr(error: unknown): unknown {
  const isTaken = error instanceof Error && /UNIQUE constraint failed: nonces|duplicate key value/.test(error.message);
  return isTaken ? new ApiError('nonce-replayed', 'Every request needs a nonce of its own.') : error;
}
