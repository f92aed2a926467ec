// Tokens for programs: made by an admin, shown once, good until they expire or are revoked.

import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { ApiToken, CreatedApiToken, NewApiToken, Role } from '@shadownet/contracts';
import { AuditLog } from '../audit/audit-log.js';
import { type Clock, CLOCK, formatTime } from '../clock.js';
import { WriteQueue } from '../database/write-queue.js';
import { ApiError } from '../http/api-error.js';
import { ApiTokenEntity } from './api-token.entity.js';
import { hashSecret, makeSecret } from './secret.js';

/** What tokens begin with, so that scanners of repositories can find those that were left there. */
const PREFIX = 'shadownet_';
const DAY_MS = 86_400_000;
/** How far `lastUsedAt` may be behind, so that not each request writes. */
const USED_STEP_MS = 60_000;

@Injectable()
export class ApiTokens {
  constructor(
    private readonly queue: WriteQueue,
    private readonly audit: AuditLog,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Throws ApiError `name-taken`. */
  async create(actor: string, { name, role, expires_in_days: days }: NewApiToken): Promise<CreatedApiToken> {
    const token = PREFIX + makeSecret();
    const now = this.clock.wall();
    const entity: ApiTokenEntity = {
      ...{ id: randomUUID(), name, role, secretHash: hashSecret(token) },
      ...{ createdAt: now, createdBy: actor, expiresAt: now + days * DAY_MS, lastUsedAt: null },
    };
    await this.queue.transaction(async (manager) => {
      if (await manager.existsBy(ApiTokenEntity, { name })) throw new ApiError('name-taken');
      await manager.insert(ApiTokenEntity, entity);
      await this.audit.record(manager, {
        actor,
        action: 'token.create',
        subject: `token:${name}`,
        after: factsOf(entity),
      });
    });
    return { ...toMessage(entity), token };
  }

  async list(): Promise<ApiToken[]> {
    const tokens = await this.queue.transaction((manager) => manager.find(ApiTokenEntity, { order: { name: 'ASC' } }));
    return tokens.map(toMessage);
  }

  /** Throws ApiError `not-found`. */
  async revoke(actor: string, id: string): Promise<void> {
    await this.queue.transaction(async (manager) => {
      const token = await manager.findOneBy(ApiTokenEntity, { id });
      if (!token) throw new ApiError('not-found', 'There is no such token.');
      await manager.delete(ApiTokenEntity, { id });
      const subject = `token:${token.name}`;
      await this.audit.record(manager, { actor, action: 'token.revoke', subject, before: factsOf(token) });
    });
  }

  /** Undefined if there is none, or if it has expired. */
  find(token: string): Promise<{ name: string; role: Role } | undefined> {
    return this.queue.transaction(async (manager) => {
      const entity = await manager.findOneBy(ApiTokenEntity, { secretHash: hashSecret(token) });
      const now = this.clock.wall();
      if (!entity || entity.expiresAt <= now) return undefined;
      if (now - (entity.lastUsedAt ?? 0) >= USED_STEP_MS) {
        await manager.update(ApiTokenEntity, { id: entity.id }, { lastUsedAt: now });
      }
      return { name: entity.name, role: entity.role };
    });
  }
}

function factsOf({ role, expiresAt }: ApiTokenEntity): { role: Role; expires_at: string } {
  return { role, expires_at: formatTime(expiresAt) };
}

function toMessage({ id, name, role, createdAt, createdBy, expiresAt, lastUsedAt }: ApiTokenEntity): ApiToken {
  return {
    ...{ id, name, role, created_at: formatTime(createdAt), created_by: createdBy, expires_at: formatTime(expiresAt) },
    last_used_at: lastUsedAt === null ? null : formatTime(lastUsedAt),
  };
}
