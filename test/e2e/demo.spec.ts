// The demo as a user starts it, and ends it.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { type Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { eventually } from '../lab/eventually.js';
import { findFreePort } from '../lab/free-port.js';
import { namespaceNames } from '../lab/network-namespace.js';
import { inRepository } from '../lab/repository.js';
import { whyNoLab, whyNoTun } from '../lab/requirements.mjs';

interface RunningDemo {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  readonly output: () => string;
  readonly exitCode: Promise<number | null>;
}

function startDemo(...flags: readonly string[]): RunningDemo {
  const child = spawn(process.execPath, [inRepository('test/demo.mjs'), ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return { child, output: () => output, exitCode: new Promise((resolve) => child.once('close', resolve)) };
}

async function namespacesOf(demo: RunningDemo): Promise<string[]> {
  return (await namespaceNames()).filter((name) => name.startsWith(`snlab-${String(demo.child.pid)}-`));
}

describe.skipIf(whyNoLab() !== undefined)('the demo', () => {
  it('with --once shows that everything works, exits with 0 and leaves nothing', async () => {
    const demo = startDemo('--once', '--port', String(await findFreePort()));
    expect(await demo.exitCode, demo.output()).toBe(0);
    expect(demo.output()).toMatch(/first ping answered \d+ ms after the second `up` was executed/);
    expect(demo.output()).toMatch(/curl http:\/\/10\.100\.\d+\.\d+\/ → Hello 10\.100\.\d+\.\d+, this is host-b/);
    expect(await namespacesOf(demo)).toEqual([]);
  });

  it('stays up with the dashboard until Ctrl-C, which removes everything', async () => {
    const port = await findFreePort();
    const demo = startDemo('--port', String(port));
    await eventually('the demo to stay', 120_000, () => {
      if (demo.child.exitCode !== null) throw new Error(demo.output());
      return demo.output().includes('Ctrl-C ends the demo') ? true : undefined;
    });
    expect((await fetch(`http://127.0.0.1:${String(port)}/api/v1/overview`)).status).toBe(200);
    expect((await namespacesOf(demo)).length).toBe(6);
    demo.child.kill('SIGINT');
    // npm passes the same Ctrl-C on a second time.
    demo.child.kill('SIGINT');
    expect(await demo.exitCode).toBe(0);
    expect(await namespacesOf(demo)).toEqual([]);
  });

  it('interrupted half-way leaves nothing either', async () => {
    const demo = startDemo('--port', String(await findFreePort()));
    await eventually('the first namespaces', 60_000, async () =>
      (await namespacesOf(demo)).length >= 2 ? true : undefined,
    );
    demo.child.kill('SIGINT');
    expect(await demo.exitCode).toBe(130);
    expect(await namespacesOf(demo)).toEqual([]);
  });

  it('says in one line that its port is taken', async () => {
    const server = createServer();
    const port = await findFreePort();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const demo = startDemo('--once', '--port', String(port));
    expect(await demo.exitCode).toBe(1);
    expect(demo.output()).toMatch(/^The demo cannot run: port \d+ of localhost is taken: .*\n$/);
    server.close();
  });
});

it('says where a missing TUN device comes from', () => {
  expect(whyNoTun('/dev/net/no-such-device')).toMatch(/is missing: load it with "modprobe tun"/);
});
