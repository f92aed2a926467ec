// Local accounts: made, changed and removed by admins. There is always an admin left.

import { Inject, Injectable } from '@nestjs/common';
import type { Account, AccountChange, NewAccount, Role } from '@shadownet/contracts';
import type { EntityManager } from 'typeorm';
import { AuditLog } from '../audit/audit-log.js';
import { type Clock, CLOCK, formatTime } from '../clock.js';
import { WriteQueue } from '../database/write-queue.js';
import { ApiError } from '../http/api-error.js';
import { AccountEntity } from './account.entity.js';
import { PasswordHasher } from './password-hasher.js';
import { Sessions } from './sessions.js';

@Injectable()
export class Accounts {
  constructor(
    private readonly queue: WriteQueue,
    private readonly audit: AuditLog,
    private readonly sessions: Sessions,
    private readonly hasher: PasswordHasher,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async list(): Promise<Account[]> {
    const accounts = await this.queue.transaction((manager) => manager.find(AccountEntity, { order: { name: 'ASC' } }));
    return accounts.map(toMessage);
  }

  hasAdmin(): Promise<boolean> {
    return this.queue.transaction((manager) => manager.existsBy(AccountEntity, { role: 'admin' }));
  }

  /** Throws ApiError `name-taken`. */
  async create(actor: string, { name, role, password }: NewAccount): Promise<Account> {
    const passwordHash = await this.hasher.hash(password);
    return this.queue.transaction(async (manager) => {
      if (await manager.existsBy(AccountEntity, { name })) throw new ApiError('name-taken');
      return toMessage(await this.put(manager, actor, { name, role, passwordHash }));
    });
  }

  /** Makes the account, or gives the one of that name the role and the password, and ends its sessions. */
  async put(
    manager: EntityManager,
    actor: string,
    { name, role, passwordHash }: { name: string; role: Role; passwordHash: string },
  ): Promise<AccountEntity> {
    const before = await manager.findOneBy(AccountEntity, { name });
    const account: AccountEntity = { name, role, passwordHash, createdAt: before?.createdAt ?? this.clock.wall() };
    await manager.save(AccountEntity, account);
    await this.sessions.endAllOf(manager, name);
    await this.audit.record(manager, {
      ...{ actor, subject: subjectOf(name), after: { role } },
      ...(before ? { action: 'account.reset', before: { role: before.role } } : { action: 'account.create' }),
    });
    return account;
  }

  /** A new password ends all sessions of the account. Throws ApiError `not-found` or `last-admin`. */
  async change(actor: string, name: string, { role, password }: AccountChange): Promise<Account> {
    const passwordHash = password === undefined ? undefined : await this.hasher.hash(password);
    return this.queue.transaction(async (manager) => {
      const account = await this.#require(manager, name);
      const before = account.role;
      account.role = role ?? before;
      account.passwordHash = passwordHash ?? account.passwordHash;
      await manager.save(AccountEntity, account);
      await requireAdmin(manager);
      if (passwordHash !== undefined) await this.sessions.endAllOf(manager, name);
      await this.audit.record(manager, {
        ...{ actor, action: 'account.change', subject: subjectOf(name), before: { role: before } },
        after: { role: account.role, ...(passwordHash !== undefined && { password: 'changed' }) },
      });
      return toMessage(account);
    });
  }

  /** By its owner, who has proved the old one: other sessions of the account end, that of `secret` stays. */
  async changeOwnPassword(name: string, next: string, secret: string): Promise<void> {
    const passwordHash = await this.hasher.hash(next);
    await this.queue.transaction(async (manager) => {
      const account = await this.#require(manager, name);
      await manager.update(AccountEntity, { name }, { passwordHash });
      await this.sessions.endAllOf(manager, name, secret);
      const facts = { role: account.role };
      const change = { before: facts, after: { ...facts, password: 'changed' } };
      const actor = subjectOf(name);
      await this.audit.record(manager, { actor, action: 'account.change', subject: actor, ...change });
    });
  }

  /** Its sessions end with it. Throws ApiError `not-found` or `last-admin`. */
  async remove(actor: string, name: string): Promise<void> {
    await this.queue.transaction(async (manager) => {
      const { role } = await this.#require(manager, name);
      await manager.delete(AccountEntity, { name });
      await requireAdmin(manager);
      await this.sessions.endAllOf(manager, name);
      await this.audit.record(manager, { actor, action: 'account.delete', subject: subjectOf(name), before: { role } });
    });
  }

  /** Takes as long for a name that nobody has. */
  async verify(name: string, password: string): Promise<boolean> {
    const account = await this.queue.transaction((manager) => manager.findOneBy(AccountEntity, { name }));
    return this.hasher.verify(password, account?.passwordHash);
  }

  async #require(manager: EntityManager, name: string): Promise<AccountEntity> {
    const account = await manager.findOneBy(AccountEntity, { name });
    if (!account) throw new ApiError('not-found', 'There is no such account.');
    return account;
  }
}

/** After a change, within its transaction: what it did is undone if no admin is left. */
async function requireAdmin(manager: EntityManager): Promise<void> {
  if (!(await manager.existsBy(AccountEntity, { role: 'admin' }))) throw new ApiError('last-admin');
}

function subjectOf(name: string): string {
  return `account:${name}`;
}

function toMessage({ name, role, createdAt }: AccountEntity): Account {
  return { name, role, created_at: formatTime(createdAt) };
}
