// kill -9 in the middle of writes: the database opens again, is whole, has everything that was answered, and takes none of it
// a second time.

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { DataSource } from 'typeorm';
import { expect, it } from 'vitest';
import { type SignedCall, TestNode } from '../testing/test-node.js';
import { TestServer } from '../testing/test-server.js';

const program = fileURLToPath(new URL('../../bin/shadownet-control.js', import.meta.url));
const isBuilt = existsSync(fileURLToPath(new URL('../../dist/main.js', import.meta.url)));

interface Listening {
  readonly url: string;
  readonly public_key: string;
}

it.skipIf(!isBuilt)(
  'takes no request again after it was killed, however short before it was answered (needs a build)',
  async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'shadownet-control-'));
    const child = start(dataDir);
    const { url, public_key: serverKey } = await listening(child.stderr);
    const nodes = Array.from({ length: 4 }, () => new TestNode(url, serverKey));
    for (const node of nodes) expect((await node.register()).status).toBe(200);

    const answered: { node: TestNode; call: SignedCall }[] = [];
    let running = true;
    const beat = async (node: TestNode): Promise<void> => {
      while (running) {
        const call = node.sign('POST', '/api/v1/heartbeat', node.heartbeatBody());
        const answer = await node.send(call).catch(() => undefined);
        if (answer?.status === 200) answered.push({ node, call });
      }
    };
    const beats = nodes.map(beat);
    await expect.poll(() => answered.length, { timeout: 15_000, interval: 5 }).toBeGreaterThan(200);
    child.kill('SIGKILL');
    running = false;
    await Promise.all(beats);

    const server = await TestServer.start({ dataDir });
    for (const { node, call } of answered) {
      node.url = server.url;
      expect((await node.send(call)).json).toMatchObject({ code: 'nonce-replayed' });
    }
    await server.stop();
    rmSync(dataDir, { recursive: true, force: true });
  },
  60_000,
);

it.skipIf(!isBuilt)(
  'keeps what was acknowledged when it is killed while writing (needs a build)',
  async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'shadownet-control-'));
    const acknowledged = new Map<string, { key: Uint8Array; address: unknown }>();

    for (let round = 0; round < 3; round++) {
      const child = start(dataDir);
      const { url, public_key: serverKey } = await listening(child.stderr);
      let running = true;
      const register = async (): Promise<void> => {
        while (running) {
          const key = crypto.getRandomValues(new Uint8Array(32));
          const node = new TestNode(url, serverKey, key);
          const answer = await node.register().catch(() => undefined);
          if (answer?.status === 200) acknowledged.set(node.publicKey, { key, address: answer.json['assigned_ip'] });
        }
      };
      const writers = Array.from({ length: 4 }, register);
      const goal = acknowledged.size + 15;
      await expect.poll(() => acknowledged.size, { timeout: 15_000, interval: 5 }).toBeGreaterThan(goal);
      child.kill('SIGKILL');
      running = false;
      await Promise.all(writers);
    }

    const server = await TestServer.start({ dataDir });
    const dataSource = server.running.app.get(DataSource);
    expect(await dataSource.query('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
    expect(await dataSource.query('PRAGMA foreign_key_check')).toEqual([]);
    for (const { key, address } of acknowledged.values()) {
      expect((await server.node(key).register()).json['assigned_ip']).toBe(address);
    }
    await server.stop();
    rmSync(dataDir, { recursive: true, force: true });
  },
  60_000,
);

function start(dataDir: string): ChildProcessWithoutNullStreams {
  const options = ['--listen', '127.0.0.1:0', '--open', '--stun-ports', 'off', '--no-relay', '--data-dir', dataDir];
  return spawn(process.execPath, [program, ...options]);
}

async function listening(stderr: NodeJS.ReadableStream): Promise<Listening> {
  let text = '';
  for await (const line of createInterface(stderr)) {
    text += `${line}\n`;
    if (line.includes('"event":"listening"')) return JSON.parse(line) as Listening;
  }
  throw new Error(`the server ended before it listened: ${text}`);
}
