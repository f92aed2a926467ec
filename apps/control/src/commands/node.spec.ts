import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { readCommandLine } from '../cli.js';
import type { TestNode } from '../testing/test-node.js';
import { TestServer } from '../testing/test-server.js';

let server: TestServer;
let web: TestNode;

beforeEach(async () => {
  server = await TestServer.start();
  web = server.node();
  await web.register({ hostname: 'web' });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await server.stop();
});

/** What `shadownet-control …` prints. */
async function run(...args: string[]): Promise<string> {
  const lines: string[] = [];
  const stdout = vi.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
  try {
    await readCommandLine([...args, '--data-dir', server.directory]);
  } finally {
    stdout.mockRestore();
  }
  return lines.join('');
}

it('node list, tag, disable, enable and delete do what they say, by any name of the node', async () => {
  expect(await run('node', 'list')).toBe(`10.100.0.1  web  online  ${web.id}\n`);
  expect(await run('node', 'tag', 'WEB', 'db,app')).toBe(`10.100.0.1  web  online  ${web.id}  tag:app tag:db\n`);
  expect(await run('node', 'tag', '10.100.0.1', '')).toBe(`10.100.0.1  web  online  ${web.id}\n`);
  expect(await run('node', 'disable', web.id)).toBe(`10.100.0.1  web  disabled  ${web.id}\n`);
  expect(JSON.parse(await run('node', 'show', 'web'))).toMatchObject({ id: web.id, standing: 'disabled' });
  expect(await run('node', 'enable', 'web')).toBe(`10.100.0.1  web  offline  ${web.id}\n`);
  expect(await run('node', 'delete', 'web')).toBe('web is deleted\n');
  expect(await run('node', 'list')).toBe('');
});

it('node approve lets in who joined by a key of join-key create --approval, and nobody else', async () => {
  const waiting = server.node();
  const key = (await run('join-key', 'create', '--approval')).trim();
  expect((await waiting.join(key)).json).toMatchObject({ code: 'approval-pending' });
  expect(await run('node', 'approve', waiting.id)).toContain('test-node  online');
  expect(await waiting.register()).toMatchObject({ status: 200 });
  await expect(run('node', 'approve', 'web')).rejects.toThrow('web does not wait for approval');
  await expect(run('node', 'enable', 'web')).rejects.toThrow('web is not disabled');
});

it('a name that several nodes have, or none, is refused', async () => {
  await server.node().register({ hostname: 'web' });
  await expect(run('node', 'delete', 'web')).rejects.toThrow('several nodes have the name web');
  await expect(run('node', 'delete', 'db')).rejects.toThrow('there is no node db');
});
