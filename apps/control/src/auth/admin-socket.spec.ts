import { linkSync, renameSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { auditPageSchema } from '@shadownet/contracts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { AdminClient } from '../admin-client/admin-client.js';
import { TestServer } from '../testing/test-server.js';
import { adminSocketPath } from './admin-socket.js';

describe('the local admin socket', () => {
  let server: TestServer;

  beforeEach(async () => {
    server = await TestServer.start({ open: false });
  });
  afterEach(() => server.stop());

  it('is for the owner of the files, who may do there what nobody else may', async () => {
    expect(statSync(adminSocketPath(server.directory)).mode & 0o777).toBe(0o600);
    expect(statSync(server.directory).mode & 0o077).toBe(0);
    expect(await server.admin.call(auditPageSchema, 'GET', '/audit')).toEqual({ entries: [], next: null });
    expect((await fetch(`${server.url}/api/v1/audit`)).status).toBe(401);
  });

  it('cannot be claimed by a header', async () => {
    const headers = { host: 'localhost', 'x-forwarded-for': adminSocketPath(server.directory), forwarded: 'for=unix' };
    expect((await fetch(`${server.url}/api/v1/audit`, { headers })).status).toBe(401);
  });

  it('tells a command what the server did not like, and that none is there', async () => {
    const audit = (query: string) => server.admin.call(auditPageSchema, 'GET', `/audit${query}`);
    await expect(audit('?limit=0')).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('limit:'),
    });
    await expect(server.admin.call(z.unknown(), 'GET', '/nothing')).rejects.toMatchObject({ code: 'refused' });
    const elsewhere = new AdminClient('/nonexistent');
    await expect(elsewhere.call(z.unknown(), 'GET', '/audit')).rejects.toMatchObject({
      code: 'not-running',
      message: 'no shadownet-control runs on /nonexistent: start it, or name its folder with --data-dir',
    });
  });

  it('belongs to one server at a time, and a dead one leaves it to the next', async () => {
    const other = TestServer.start({ dataDir: server.directory });
    await expect(other).rejects.toMatchObject({ code: 'already-running' });

    const path = adminSocketPath(server.directory);
    await server.running.close();
    await leaveSocketAt(path);
    await server.restart();
    expect(await server.admin.call(auditPageSchema, 'GET', '/audit')).toEqual({ entries: [], next: null });
  });
});

/** As a process leaves one that is killed: the file is there, and nobody listens. */
async function leaveSocketAt(path: string): Promise<void> {
  const dead = createServer();
  await new Promise<void>((resolve) => dead.listen(path, resolve));
  linkSync(path, `${path}.kept`);
  await new Promise((resolve) => dead.close(resolve));
  renameSync(`${path}.kept`, path);
}
