import { type AuditPage, auditPageSchema } from '@shadownet/contracts';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WriteQueue } from '../database/write-queue.js';
import { TestServer } from '../testing/test-server.js';
import { AuditEntity } from './audit.entity.js';
import { AuditLog } from './audit-log.js';

describe('the audit log', () => {
  let server: TestServer;
  const asked = (query: Record<string, string> = {}): Promise<AuditPage> =>
    server.admin.call(auditPageSchema, 'GET', `/audit?${new URLSearchParams(query)}`);

  beforeAll(async () => {
    server = await TestServer.start({ open: false });
    const log = server.running.app.get(AuditLog);
    await server.running.app.get(WriteQueue).transaction(async (manager) => {
      for (const name of ['alice', 'bob', 'carol']) {
        const after = { role: 'viewer', tags: ['x'] };
        await log.record(manager, { actor: 'local', action: 'account.create', subject: `account:${name}`, after });
      }
      const [before, after] = [{ role: 'viewer' }, { role: 'admin' }];
      await log.record(manager, {
        actor: 'account:bob',
        action: 'account.change',
        subject: 'account:carol',
        before,
        after,
      });
    });
  });
  afterAll(() => server.stop());

  it('tells who changed what, what it was and what it became, the newest first', async () => {
    const { entries } = await asked();
    expect(entries.map(({ subject }) => subject)).toEqual([
      ...['account:carol', 'account:carol', 'account:bob', 'account:alice'],
    ]);
    expect(entries[0]).toMatchObject({
      actor: 'account:bob',
      action: 'account.change',
      before: { role: 'viewer' },
      after: { role: 'admin' },
    });
    expect(entries[3]).toMatchObject({ actor: 'local', before: null, after: { role: 'viewer', tags: ['x'] } });
  });

  it('comes page by page, each entry once', async () => {
    const first = await asked({ limit: '3' });
    const second = await asked({ limit: '3', before: String(first.next) });
    expect([first.entries.length, second.entries.length, second.next]).toEqual([3, 1, null]);
    const ids = [...first.entries, ...second.entries].map(({ id }) => id);
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => b - a));
  });

  it('can be narrowed to an actor, an action, a subject and a time', async () => {
    const count = async (query: Record<string, string>) => (await asked(query)).entries.length;
    expect(await count({ actor: 'account:bob' })).toBe(1);
    expect(await count({ action: 'account.create' })).toBe(3);
    expect(await count({ subject: 'account:carol' })).toBe(2);
    expect(await count({ since: new Date(Date.now() + 60_000).toISOString() })).toBe(0);
    expect(await count({ until: new Date(Date.now() + 60_000).toISOString() })).toBe(4);
  });

  it.each(["' OR 1=1 --", 'account:bob"; DROP TABLE audit; --', "local' UNION SELECT * FROM nodes --", '%'])(
    'takes the filter %s for a name that nobody has',
    async (actor) => {
      expect((await asked({ actor })).entries).toEqual([]);
      expect((await asked()).entries).toHaveLength(4);
    },
  );

  it('refuses a query that it does not know', async () => {
    for (const query of [{ limit: '501' }, { before: '1 OR 1=1' }, { order: 'at' }, { since: 'yesterday' }]) {
      await expect(asked(query as Record<string, string>)).rejects.toMatchObject({ code: 'refused' });
    }
  });

  it('keeps what is written, whoever asks the database to change it', async () => {
    const { manager } = server.running.app.get(DataSource);
    await expect(manager.update(AuditEntity, { id: 1 }, { actor: 'nobody' })).rejects.toThrow('append-only');
    await expect(manager.delete(AuditEntity, { id: 1 })).rejects.toThrow('append-only');
    expect((await asked()).entries).toHaveLength(4);
  });
});
