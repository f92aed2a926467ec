// The one-time link that makes an admin: at the first start, and when all passwords are lost (`shadownet-control admin reset`).
// It lies in a file that only the server's user can read, and never passes the logger.

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import type { Setup, SetupLink } from '@shadownet/contracts';
import { type EntityManager, MoreThan } from 'typeorm';
import { AuditLog } from '../audit/audit-log.js';
import { type Clock, CLOCK, formatTime } from '../clock.js';
import { CONFIG, type ControlConfig } from '../config.js';
import { WriteQueue } from '../database/write-queue.js';
import { ApiError } from '../http/api-error.js';
import { Accounts } from './accounts.js';
import { PasswordHasher } from './password-hasher.js';
import { PublicOrigin } from './public-origin.js';
import { hashSecret, makeSecret } from './secret.js';
import { Sessions } from './sessions.js';
import { SetupLinkEntity } from './setup-link.entity.js';

const LIFETIME_MS = 24 * 3_600_000;

@Injectable()
export class SetupLinks {
  readonly #file: string;

  constructor(
    private readonly queue: WriteQueue,
    private readonly accounts: Accounts,
    private readonly sessions: Sessions,
    private readonly hasher: PasswordHasher,
    private readonly audit: AuditLog,
    private readonly origin: PublicOrigin,
    @Inject(CONFIG) { dataDir }: ControlConfig,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.#file = join(dataDir, 'setup-link');
  }

  /** Writes a new link, and answers its file, if there is no admin yet. */
  async offer(): Promise<string | undefined> {
    rmSync(this.#file, { force: true });
    if (await this.accounts.hasAdmin()) return undefined;
    const { url } = await this.#replace(() => Promise.resolve());
    writeFileSync(this.#file, `${url}\n`, { mode: 0o600, flag: 'wx' });
    return this.#file;
  }

  /** It takes the place of an older one. */
  create(actor: string): Promise<SetupLink> {
    return this.#replace((manager, expires_at) =>
      this.audit.record(manager, { actor, action: 'setup-link.create', subject: 'setup-link', after: { expires_at } }),
    );
  }

  async #replace(record: (manager: EntityManager, expiresAt: string) => Promise<void>): Promise<SetupLink> {
    const secret = makeSecret();
    const expiresAt = this.clock.wall() + LIFETIME_MS;
    await this.queue.transaction(async (manager) => {
      await manager.clear(SetupLinkEntity);
      await manager.insert(SetupLinkEntity, { secretHash: hashSecret(secret), expiresAt });
      await record(manager, formatTime(expiresAt));
    });
    return { url: `${this.origin.url}/setup#${secret}`, expires_at: formatTime(expiresAt) };
  }

  /**
   * Uses the link up: makes an admin of that name, or gives an account of that name this password and the role. Answers the
   * secret of a session. Throws ApiError `setup-link-invalid`.
   */
  async use({ token, name, password }: Setup): Promise<string> {
    const link = { secretHash: hashSecret(token), expiresAt: MoreThan(this.clock.wall()) };
    // Looked at first: a password of who has no link costs nothing.
    if (!(await this.queue.transaction((manager) => manager.existsBy(SetupLinkEntity, link)))) {
      throw new ApiError('setup-link-invalid');
    }
    const passwordHash = await this.hasher.hash(password);
    const secret = await this.queue.transaction(async (manager) => {
      const { affected } = await manager.delete(SetupLinkEntity, link);
      if (affected !== 1) throw new ApiError('setup-link-invalid');
      await this.accounts.put(manager, 'setup-link', { name, role: 'admin', passwordHash });
      return this.sessions.begin(manager, { kind: 'account', name });
    });
    rmSync(this.#file, { force: true });
    return secret;
  }
}
