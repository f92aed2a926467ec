import { DataSource } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NonceEntity } from '../auth/nonce.entity.js';
import { TestServer } from '../testing/test-server.js';
import { WriteQueue } from './write-queue.js';

describe('the write queue', () => {
  let server: TestServer;
  let queue: WriteQueue;
  const nonce = (name: string) => ({ publicKey: 'k', nonce: name, expiresAt: 2 ** 52 });

  beforeEach(async () => {
    server = await TestServer.start();
    queue = server.running.app.get(WriteQueue);
  });
  afterEach(() => server.stop());

  it('runs one piece of work at a time, in order, and tells of them in that order', async () => {
    const log: string[] = [];
    const work = (name: string) =>
      queue.transaction(
        async (manager) => {
          log.push(`${name} begins`);
          await manager.insert(NonceEntity, nonce(name));
          await new Promise(setImmediate);
          log.push(`${name} ends`);
        },
        () => log.push(`${name} told`),
      );
    await Promise.all(['a', 'b', 'c'].map(work));
    expect(log.filter((line) => !line.endsWith('told'))).toEqual(
      ['a', 'b', 'c'].flatMap((name) => [`${name} begins`, `${name} ends`]),
    );
    expect(log.filter((line) => line.endsWith('told'))).toEqual(['a told', 'b told', 'c told']);
  });

  it('commits what waits together at once, and tells nobody before', async () => {
    const { dataSource, begun } = countTransactions(server);
    const told = vi.fn();
    const work = (name: string) => queue.transaction((manager) => manager.insert(NonceEntity, nonce(name)), told);
    await Promise.all(Array.from({ length: 50 }, (_, at) => work(String(at))));
    expect(told).toHaveBeenCalledTimes(50);
    expect(begun()).toBe(1);
    expect(await dataSource.getRepository(NonceEntity).count()).toBe(50);
  });

  it('does not wait for the disk where a commit need only survive the process', async () => {
    const dataSource = server.running.app.get(DataSource);
    const synchronous = async () => ((await dataSource.query('PRAGMA synchronous')) as [{ synchronous: number }])[0];
    const write = (name: string, durability: 'kill' | 'power-cut') =>
      queue.transaction((manager) => manager.insert(NonceEntity, nonce(name)), undefined, durability);
    await write('light', 'kill');
    expect(await synchronous()).toEqual({ synchronous: 1 });
    await Promise.all([write('light too', 'kill'), write('heavy', 'power-cut')]);
    expect(await synchronous()).toEqual({ synchronous: 2 });
  });

  it('stores nothing of work that fails, and everything of the work around it', async () => {
    const outcomes = await Promise.allSettled(
      ['a', 'b', 'c'].map((name) =>
        queue.transaction(async (manager) => {
          await manager.insert(NonceEntity, nonce(name));
          if (name === 'b') throw new Error('no');
        }),
      ),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    const rows = await queue.transaction((manager) => manager.find(NonceEntity, { order: { nonce: 'ASC' } }));
    expect(rows.map((row) => row.nonce)).toEqual(['a', 'c']);
  });

  it('refuses work when too much waits', async () => {
    const waiting = Array.from({ length: 4096 }, () => queue.transaction(() => Promise.resolve()));
    expect(() => queue.transaction(() => Promise.resolve())).toThrow(expect.objectContaining({ code: 'unavailable' }));
    await Promise.all(waiting);
    await queue.transaction(() => Promise.resolve());
  });
});

function countTransactions(server: TestServer) {
  const dataSource = server.running.app.get(DataSource);
  const transaction = vi.spyOn(dataSource, 'transaction');
  return { dataSource, begun: () => transaction.mock.calls.length };
}

describe('the database', () => {
  it('is as its entities say after the migrations, with the settings that durability needs', async () => {
    const server = await TestServer.start();
    const dataSource = server.running.app.get(DataSource);
    const differences = await dataSource.driver.createSchemaBuilder().log();
    expect(differences.upQueries.map(({ query }) => query)).toEqual([]);
    const pragma = async (name: string) => Object.values((await dataSource.query(`PRAGMA ${name}`))[0] as object)[0];
    expect(await pragma('journal_mode')).toBe('wal');
    expect(await pragma('synchronous')).toBe(2);
    expect(await pragma('foreign_keys')).toBe(1);
    expect(await pragma('busy_timeout')).toBe(5000);
    await server.stop();
  });

  it('can be migrated down and up again', async () => {
    const server = await TestServer.start();
    const dataSource = server.running.app.get(DataSource);
    await dataSource.undoLastMigration();
    await dataSource.runMigrations();
    await server.restart();
    expect((await server.node().register()).status).toBe(200);
    await server.stop();
  });
});
