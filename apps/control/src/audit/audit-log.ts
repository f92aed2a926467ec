// The audit log: who changed what, and what it was before and after. Written in the transaction of the change itself, so that
// neither is there without the other; never changed or removed. What is written here is shown: no secrets, no hashes of such.

import { Inject, Injectable } from '@nestjs/common';
import type { AuditEntry, AuditFacts, AuditPage, AuditQuery } from '@shadownet/contracts';
import { Between, type EntityManager, LessThan, type FindOptionsWhere } from 'typeorm';
import { type Clock, CLOCK, formatTime } from '../clock.js';
import { WriteQueue } from '../database/write-queue.js';
import { AuditEntity } from './audit.entity.js';

export interface AuditRecord {
  /** Person.actor, or `node:ID`, or `server`. */
  readonly actor: string;
  /** What was done, as `noun.verb`: `account.create`. */
  readonly action: string;
  /** To what, as `noun:name`: `account:alice`. */
  readonly subject: string;
  /** The fields that matter, as they were; absent if the subject did not exist. */
  readonly before?: AuditFacts;
  /** As they are now; absent if the subject does not exist any more. */
  readonly after?: AuditFacts;
}

@Injectable()
export class AuditLog {
  constructor(
    private readonly queue: WriteQueue,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async record(manager: EntityManager, { actor, action, subject, before, after }: AuditRecord): Promise<void> {
    const facts = { before: before ? JSON.stringify(before) : null, after: after ? JSON.stringify(after) : null };
    await manager.insert(AuditEntity, { at: this.clock.wall(), actor, action, subject, ...facts });
  }

  /** The newest first. */
  async page({ limit, before, since, until, ...exact }: AuditQuery): Promise<AuditPage> {
    const where: FindOptionsWhere<AuditEntity> = { ...definedOf(exact) };
    if (before !== undefined) where.id = LessThan(before);
    if (since !== undefined || until !== undefined) {
      where.at = Between(
        since === undefined ? 0 : Date.parse(since),
        until === undefined ? Number.MAX_SAFE_INTEGER : Date.parse(until),
      );
    }
    const rows = await this.queue.transaction((manager) =>
      manager.find(AuditEntity, { where, order: { id: 'DESC' }, take: limit + 1 }),
    );
    const entries = rows.slice(0, limit).map(toEntry);
    return { entries, next: rows.length > limit ? entries.at(-1)!.id : null };
  }
}

function definedOf<Value>(record: Readonly<Record<string, Value | undefined>>): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(record).filter((entry): entry is [string, Value & {}] => entry[1] !== undefined),
  );
}

function toEntry({ id, at, actor, action, subject, before, after }: AuditEntity): AuditEntry {
  return { id, at: formatTime(at), actor, action, subject, before: parseFacts(before), after: parseFacts(after) };
}

function parseFacts(text: string | null): AuditFacts | null {
  return text === null ? null : (JSON.parse(text) as AuditFacts);
}
