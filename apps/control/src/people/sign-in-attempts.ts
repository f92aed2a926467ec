// Slows guessing down: after some failures a name, or a source of guesses, has to wait, each time twice as long. A name that
// nobody has waits like any other, so that waiting tells nothing.

import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { type IpAddress, sourceOf } from '@shadownet/primitives';
import { type EntityManager, LessThan } from 'typeorm';
import { type Clock, CLOCK } from '../clock.js';
import { WriteQueue } from '../database/write-queue.js';
import { ApiError } from '../http/api-error.js';
import { SignInAttemptEntity } from './sign-in-attempt.entity.js';

/** How many failures are free. Many people may sit behind one source. */
const FREE_BY_NAME = 5;
const FREE_BY_SOURCE = 20;
const FIRST_WAIT_MS = 30_000;
const LONGEST_WAIT_MS = 15 * 60_000;
const FORGOTTEN_AFTER_MS = 24 * 3_600_000;
const PRUNE_INTERVAL_MS = 10 * 60_000;

@Injectable()
export class SignInAttempts {
  constructor(
    private readonly queue: WriteQueue,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * Counts a failure in advance, so that of guesses at the same time none is free. Throws ApiError `rate-limited` while the
   * name or the source has to wait.
   */
  async begin(name: string, source: IpAddress | undefined): Promise<void> {
    await this.queue.transaction(async (manager) => {
      const subjects = subjectsOf(name, source);
      const now = this.clock.wall();
      const attempts = await Promise.all(
        subjects.map((subject) => manager.findOneBy(SignInAttemptEntity, { subject })),
      );
      const blockedUntil = Math.max(...attempts.map((attempt) => attempt?.blockedUntil ?? 0));
      if (blockedUntil > now) {
        const seconds = Math.ceil((blockedUntil - now) / 1000);
        throw new ApiError('rate-limited', `Too many wrong passwords: try again in ${seconds} s.`, {}, seconds);
      }
      for (const [i, subject] of subjects.entries()) await this.#count(manager, subject, attempts[i] ?? undefined, now);
    });
  }

  /** The name's failures are forgiven; of the source's, this one: it may have guessed at other names. */
  async succeeded(name: string, source: IpAddress | undefined): Promise<void> {
    await this.queue.transaction(async (manager) => {
      for (const subject of subjectsOf(name, source)) {
        if (subject.startsWith('name:')) await manager.delete(SignInAttemptEntity, { subject });
        else await manager.decrement(SignInAttemptEntity, { subject }, 'failures', 1);
      }
    });
  }

  async #count(
    manager: EntityManager,
    subject: string,
    before: SignInAttemptEntity | undefined,
    now: number,
  ): Promise<void> {
    const failures = before && now - before.lastAt < FORGOTTEN_AFTER_MS ? before.failures + 1 : 1;
    const free = subject.startsWith('name:') ? FREE_BY_NAME : FREE_BY_SOURCE;
    const wait = failures < free ? 0 : Math.min(FIRST_WAIT_MS * 2 ** Math.min(failures - free, 16), LONGEST_WAIT_MS);
    await manager.save(SignInAttemptEntity, { subject, failures, blockedUntil: now + wait, lastAt: now });
  }

  @Interval(PRUNE_INTERVAL_MS)
  async prune(): Promise<void> {
    if (this.queue.closed) return;
    const lastAt = LessThan(this.clock.wall() - FORGOTTEN_AFTER_MS);
    await this.queue.transaction((manager) => manager.delete(SignInAttemptEntity, { lastAt }));
  }
}

/** Names are hashed: what people type there is sometimes their password. */
function subjectsOf(name: string, source: IpAddress | undefined): string[] {
  const hash = createHash('sha256').update(name.normalize('NFC').toLowerCase()).digest('hex');
  return [`name:${hash}`, ...(source ? [`source:${sourceOf(source)}`] : [])];
}
