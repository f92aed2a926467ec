// Browsers that are signed in: a session begins with a cookie, and ends by signing out, by time, or with its account.

import { Inject, Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import type { Role } from '@shadownet/contracts';
import { type EntityManager, LessThan, Not } from 'typeorm';
import { type Clock, CLOCK } from '../clock.js';
import { WriteQueue } from '../database/write-queue.js';
import { AccountEntity } from './account.entity.js';
import { hashSecret, makeSecret } from './secret.js';
import { SessionEntity } from './session.entity.js';

/** Without a request for that long, it ends; the dashboard asks all the time. */
export const SESSION_IDLE_MS = 12 * 3_600_000;
/** However busy it is. */
export const SESSION_LIFETIME_MS = 7 * 24 * 3_600_000;
/** How far `seenAt` may be behind, so that not each request writes. */
const SEEN_STEP_MS = 60_000;
const PRUNE_INTERVAL_MS = 10 * 60_000;

/** Who signed in: a local account, or somebody whom the OIDC provider vouches for. */
export type SessionOwner =
  | { readonly kind: 'account'; readonly name: string }
  | { readonly kind: 'oidc'; readonly name: string; readonly role: Role };

export interface LiveSession {
  readonly owner: SessionOwner;
  readonly role: Role;
}

@Injectable()
export class Sessions {
  constructor(
    private readonly queue: WriteQueue,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** The secret of a new session, for the cookie. */
  async begin(manager: EntityManager, owner: SessionOwner): Promise<string> {
    const secret = makeSecret();
    const now = this.clock.wall();
    await manager.insert(SessionEntity, {
      secretHash: hashSecret(secret),
      account: owner.kind === 'account' ? owner.name : null,
      oidcName: owner.kind === 'oidc' ? owner.name : null,
      oidcRole: owner.kind === 'oidc' ? owner.role : null,
      createdAt: now,
      seenAt: now,
    });
    return secret;
  }

  /** Undefined if there is none, or if it or its account has ended. */
  find(secret: string): Promise<LiveSession | undefined> {
    return this.queue.transaction(async (manager) => {
      const session = await manager.findOneBy(SessionEntity, { secretHash: hashSecret(secret) });
      if (!session || this.#isOver(session)) return undefined;
      const live = await liveSession(manager, session);
      if (live) await this.#see(manager, session);
      return live;
    });
  }

  async end(secret: string): Promise<void> {
    await this.queue.transaction((manager) => manager.delete(SessionEntity, { secretHash: hashSecret(secret) }));
  }

  /** All of an account, or all but that of `exceptSecret`. */
  async endAllOf(manager: EntityManager, account: string, exceptSecret?: string): Promise<void> {
    const kept = exceptSecret === undefined ? {} : { secretHash: Not(hashSecret(exceptSecret)) };
    await manager.delete(SessionEntity, { account, ...kept });
  }

  @Interval(PRUNE_INTERVAL_MS)
  async prune(): Promise<void> {
    if (this.queue.closed) return;
    const now = this.clock.wall();
    await this.queue.transaction(async (manager) => {
      await manager.delete(SessionEntity, { seenAt: LessThan(now - SESSION_IDLE_MS) });
      await manager.delete(SessionEntity, { createdAt: LessThan(now - SESSION_LIFETIME_MS) });
    });
  }

  #isOver({ createdAt, seenAt }: SessionEntity): boolean {
    const now = this.clock.wall();
    return now - seenAt > SESSION_IDLE_MS || now - createdAt > SESSION_LIFETIME_MS;
  }

  async #see(manager: EntityManager, { secretHash, seenAt }: SessionEntity): Promise<void> {
    const now = this.clock.wall();
    if (now - seenAt >= SEEN_STEP_MS) await manager.update(SessionEntity, { secretHash }, { seenAt: now });
  }
}

async function liveSession(manager: EntityManager, session: SessionEntity): Promise<LiveSession | undefined> {
  if (session.account === null) {
    const [name, role] = [session.oidcName!, session.oidcRole!];
    return { owner: { kind: 'oidc', name, role }, role };
  }
  const account = await manager.findOneBy(AccountEntity, { name: session.account });
  return account ? { owner: { kind: 'account', name: account.name }, role: account.role } : undefined;
}
