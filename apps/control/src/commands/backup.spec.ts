import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestServer } from '../testing/test-server.js';
import { backUp, migrate, restore } from './backup.js';

describe('a backup', () => {
  let folder: string;
  let server: TestServer | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'shadownet-backup-'));
  });
  afterEach(async () => {
    await server?.stop();
    server = undefined;
    rmSync(folder, { recursive: true });
  });

  const registered = async (one: ReturnType<TestServer['node']>): Promise<string> => {
    const { json } = await one.register();
    return (json as { assigned_ip: string }).assigned_ip;
  };

  it('of a running server is the server: its key, its nodes with their addresses, its accounts', async () => {
    server = await TestServer.start({ open: true });
    const old = server.running.publicKey;
    const keys = [randomBytes(32), randomBytes(32)];
    const nodes = keys.map((key) => server!.node(key));
    const addresses = [await registered(nodes[0]!), await registered(nodes[1]!)];
    const token = await server.token('admin');
    // Nodes register while the copy is made.
    const later = Array.from({ length: 20 }, () => server!.node());
    const [said] = await Promise.all([
      backUp(server.directory, join(folder, 'b')),
      ...later.map((one) => one.register()),
    ]);
    expect(said).toContain('server.key');
    for (const name of readdirSync(join(folder, 'b'))) expect(statSync(join(folder, 'b', name)).mode & 0o077).toBe(0);
    expect(statSync(join(folder, 'b')).mode & 0o077).toBe(0);

    const dataDir = join(folder, 'restored');
    await restore(join(folder, 'b'), dataDir);
    await server.stop();
    server = await TestServer.start({ open: true, dataDir });
    expect(server.running.publicKey).toBe(old);
    const again = keys.map((key) => server!.node(key));
    expect([await registered(again[0]!), await registered(again[1]!)]).toEqual(addresses);
    expect((await fetch(`${server.url}/api/v1/accounts`, { headers: token })).status).toBe(200);
  });

  it('does not take the place of anything', async () => {
    server = await TestServer.start({ open: true });
    await backUp(server.directory, join(folder, 'b'));
    await expect(backUp(server.directory, join(folder, 'b'))).rejects.toMatchObject({ code: 'unusable-files' });
    await expect(restore(join(folder, 'b'), server.directory)).rejects.toMatchObject({ code: 'already-running' });
    writeFileSync(join(folder, 'file'), '');
    await expect(restore(join(folder, 'b'), folder)).rejects.toThrow('is not empty');
  });

  it('is refused if it is damaged, and nothing is restored', async () => {
    server = await TestServer.start({ open: true });
    const backup = join(folder, 'b');
    await backUp(server.directory, backup);
    writeFileSync(join(backup, 'control.sqlite'), Buffer.alloc(8192, 1));
    await expect(restore(backup, join(folder, 'new'))).rejects.toMatchObject({ code: 'unusable-files' });
    expect(existsSync(join(folder, 'new'))).toBe(false);
    await expect(restore(join(folder, 'none'), join(folder, 'new'))).rejects.toThrow('has no control.sqlite');
    await expect(backUp(join(folder, 'none'), join(folder, 'c'))).rejects.toThrow('has no control.sqlite');
  });

  it('is brought up to date by migrate, while no server runs', async () => {
    server = await TestServer.start({ open: true });
    await expect(migrate(server.directory)).rejects.toMatchObject({ code: 'already-running' });
    await backUp(server.directory, join(folder, 'b'));
    expect(await migrate(join(folder, 'b'))).toBe('the database is up to date');
  });
});
