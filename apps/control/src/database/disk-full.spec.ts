// A disk without room: what has to be written is refused in words, what is known is still answered, and with room again all goes
// on. On a small tmpfs, which only root can mount.

import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NodeEntity } from '../nodes/node.entity.js';
import { TestServer } from '../testing/test-server.js';

describe.skipIf(process.getuid?.() !== 0)('a server on a full disk (needs root, for a tmpfs)', () => {
  let mount: string;
  let server: TestServer;

  beforeEach(async () => {
    mount = mkdtempSync(join(tmpdir(), 'shadownet-full-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', mount]);
    server = await TestServer.start({ dataDir: join(mount, 'data') });
  });
  afterEach(async () => {
    await server?.stop();
    execFileSync('umount', [mount]);
    rmdirSync(mount);
  });

  it('refuses what it cannot write, goes on reading, and recovers', async () => {
    const known = server.node();
    expect((await known.register()).status).toBe(200);
    const stream = await known.openStream();
    await stream.next();
    fill(join(mount, 'filler'));

    // The log of the database may have some room left in its last pages.
    let answer = await server.node().register();
    for (let tries = 0; answer.status === 200 && tries < 1000; tries++) answer = await server.node().register();
    expect(answer.json).toMatchObject({ code: 'unavailable', detail: expect.stringContaining('disk is full') });
    expect(answer).toMatchObject({ status: 503, verified: true });
    const stored = await nodesIn(server);
    expect(stored).toBeGreaterThan(0);

    unlinkSync(join(mount, 'filler'));
    const after = server.node();
    expect((await after.register()).status).toBe(200);
    expect(await nodesIn(server)).toBe(stored + 1);
    const delta = (await stream.nextOf('delta')).payload['changed'] as unknown[];
    expect(delta.length).toBeGreaterThan(0);
    stream.close();
  });
});

async function nodesIn(server: TestServer): Promise<number> {
  const dataSource = server.running.app.get(DataSource);
  return dataSource.getRepository(NodeEntity).count();
}

function fill(path: string): void {
  const file = openSync(path, 'w');
  const block = Buffer.alloc(4096);
  try {
    for (;;) writeSync(file, block);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    closeSync(file);
  }
}
