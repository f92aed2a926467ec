// The transaction of a signed request: its nonce is used up by the very transaction that does what the request asks for.
// A replay finds the nonce, and nothing is stored; a request that was refused has left nothing behind, not even its nonce.

import { Inject, Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { type EntityManager, LessThan } from 'typeorm';
import { type Clock, CLOCK } from '../clock.js';
import { WriteQueue } from '../database/write-queue.js';
import { ApiError } from '../http/api-error.js';
import type { Caller } from './caller.js';
import { NonceEntity } from './nonce.entity.js';

/** Longer than a request can be fresh: 300 s before and 300 s after the server's time. */
export const NONCE_LIFETIME_MS = 15 * 60_000;

const PRUNE_INTERVAL_MS = 60_000;

@Injectable()
export class SignedTransactions {
  constructor(
    private readonly queue: WriteQueue,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** As WriteQueue.transaction; throws ApiError `nonce-replayed`. */
  run<Result>(
    caller: Caller,
    work: (manager: EntityManager) => Promise<Result>,
    committed?: (result: Result) => void,
  ): Promise<Result> {
    return this.queue.transaction(async (manager) => {
      await this.#useNonce(manager, caller);
      return work(manager);
    }, committed);
  }

  @Interval(PRUNE_INTERVAL_MS)
  async prune(): Promise<void> {
    if (this.queue.closed) return;
    await this.queue.transaction((manager) => manager.delete(NonceEntity, { expiresAt: LessThan(this.clock.wall()) }));
  }

  async #useNonce(manager: EntityManager, { publicKey, nonce }: Caller): Promise<void> {
    if (await manager.existsBy(NonceEntity, { publicKey, nonce })) {
      throw new ApiError('nonce-replayed', 'Every request needs a nonce of its own.');
    }
    await manager.insert(NonceEntity, { publicKey, nonce, expiresAt: this.clock.wall() + NONCE_LIFETIME_MS });
  }
}
