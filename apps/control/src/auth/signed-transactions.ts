// The transaction of a signed request: its nonce is used up by the very transaction that does what the request asks for.
// A replay finds the nonce, and nothing is stored; a request that was refused has left nothing behind, not even its nonce.

import { Inject, Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { durationBetween, type Instant } from '@shadownet/primitives';
import { type EntityManager, LessThan } from 'typeorm';
import { type Clock, CLOCK } from '../clock.js';
import { WriteQueue } from '../database/write-queue.js';
import type { Caller } from './caller.js';
import { NonceEntity } from './nonce.entity.js';
import { NonceLedger } from './nonce-ledger.js';

/** Often, so that each time there are few: at 1,000 heartbeats a second, as many as come in it. */
const PRUNE_INTERVAL_MS = 2_000;

@Injectable()
export class SignedTransactions {
  readonly #startedAt: { readonly wall: number; readonly monotonic: Instant };

  constructor(
    private readonly queue: WriteQueue,
    private readonly nonces: NonceLedger,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.#startedAt = { wall: clock.wall(), monotonic: clock.monotonic() };
  }

  /** As WriteQueue.transaction; throws ApiError `nonce-replayed`. */
  run<Result>(
    caller: Caller,
    work: (manager: EntityManager) => Promise<Result>,
    committed?: (result: Result) => void,
  ): Promise<Result> {
    return this.queue.transaction(async (manager) => {
      await this.nonces.useIn(manager, caller);
      return work(manager);
    }, committed);
  }

  /** For a request that changes nothing in the database by itself. Throws ApiError `nonce-replayed`. */
  useNonce(caller: Caller): Promise<void> {
    return this.nonces.use(caller);
  }

  @Interval(PRUNE_INTERVAL_MS)
  async prune(): Promise<void> {
    if (this.queue.closed) return;
    const expired = { expiresAt: LessThan(this.#oldestKept()) };
    await this.queue.transaction((manager) => manager.delete(NonceEntity, expired), undefined, 'kill');
  }

  /**
   * A wall clock that jumps ahead and back again must not take nonces with it whose requests are fresh once more: time since
   * the start is counted by the monotonic clock, unless the wall clock says less.
   */
  #oldestKept(): number {
    const elapsed = durationBetween(this.#startedAt.monotonic, this.clock.monotonic());
    return Math.min(this.clock.wall(), this.#startedAt.wall + elapsed);
  }
}
