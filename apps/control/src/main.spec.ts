// The program as operators run it: exit codes, one clear line, signals. Needs a build.

import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const program = fileURLToPath(new URL('../bin/shadownet-control.js', import.meta.url));
const isBuilt = existsSync(fileURLToPath(new URL('../dist/main.js', import.meta.url)));

describe.skipIf(!isBuilt)('shadownet-control (needs a build)', () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'shadownet-control-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  /** Runs it from a foreign folder; sends `signal` once it listens. */
  async function run(args: string[], signal?: NodeJS.Signals) {
    const command = args.filter((arg, i) => i === 0 && !arg.startsWith('-'));
    const options = ['--data-dir', join(directory, 'data'), ...args.slice(command.length)];
    const child = spawn(process.execPath, [program, ...command, ...options], { cwd: '/' });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (part: Buffer) => (stdout += part.toString()));
    child.stderr.on('data', (part: Buffer) => {
      stderr += part.toString();
      if (signal && !child.killed && stderr.includes('"listening"')) child.kill(signal);
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    return { code, stdout, stderr };
  }

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'stops on %s with exit code 0, its files closed to others',
    async (signal) => {
      const { code, stderr } = await run(
        ['--listen', '127.0.0.1:0', '--stun-ports', '0,0', '--relay-port', '0'],
        signal,
      );
      expect(code).toBe(0);
      const lines = stderr
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(lines).toEqual([
        expect.objectContaining({
          event: 'listening',
          url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
          stun_ports: [expect.any(Number), expect.any(Number)],
          public_key: expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/),
        }),
        expect.objectContaining({ event: 'setup-pending', setup_link_file: join(directory, 'data', 'setup-link') }),
      ]);
      for (const name of readdirSync(join(directory, 'data'))) {
        expect(statSync(join(directory, 'data', name)).mode & 0o777, name).toBe(0o600);
      }
    },
  );

  it.each([
    [['--listen', '0.0.0.0:8080'], /--open/],
    [['--listen', '[::]:8080'], /--open/],
    [['--listen', 'nowhere'], /ADDRESS:PORT/],
    [['--stun-ports', '1,x'], /--stun-ports/],
    [['--stun-alternate-address', '127.0.0.1'], /--stun-alternate-address 127.0.0.1: expected a second IPv4 address/],
    [['--stun-host', '0.0.0.0', '--stun-alternate-address', '127.0.0.2'], /needs a --stun-host that is one address/],
    [['--network', '10.100.1.0/16'], /did you mean 10\.100\.0\.0\/16/],
    [['--network', 'fd00::/64'], /IPv4/],
    [['--log-level', 'loud'], /--log-level/],
    [['--nonsense'], /unknown option/],
    [['start'], /serve/],
  ])('refuses %j with exit code 2 and stores nothing', async (args, message) => {
    const { code, stderr } = await run(args);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n').length).toBeLessThanOrEqual(2);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('says in one line that its port is taken, with exit code 1', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.on('listening', resolve));
    const { port } = other.address() as AddressInfo;
    const { code, stderr } = await run(['--listen', `127.0.0.1:${port}`, '--stun-ports', 'off', '--no-relay']);
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`^shadownet-control: .*${port}.*in use.*\\n$`));
    other.close();
  });

  it('says in one line that its files are open to others, with exit code 1', async () => {
    const data = join(directory, 'open');
    rmSync(data, { force: true, recursive: true });
    await run(['--data-dir', data, '--listen', '127.0.0.1:0', '--stun-ports', 'off', '--no-relay'], 'SIGTERM');
    writeFileSync(join(data, 'note'), '');
    chmodSync(data, 0o755);
    const { code, stderr } = await run([
      '--data-dir',
      data,
      '--listen',
      '127.0.0.1:0',
      '--stun-ports',
      'off',
      '--no-relay',
    ]);
    expect(code).toBe(1);
    expect(stderr).toBe(`shadownet-control: ${data} is open to other users: run chmod 700 ${data}\n`);
  });

  it('says in one line that its files cannot be used, with exit code 1', async () => {
    const listen = ['--listen', '127.0.0.1:0', '--stun-ports', 'off', '--no-relay'];
    writeFileSync(join(directory, 'file'), '');
    const noDirectory = await run(['--data-dir', join(directory, 'file', 'data'), ...listen]);
    expect(noDirectory).toMatchObject({ code: 1, stdout: '' });
    expect(noDirectory.stderr).toMatch(/^shadownet-control: cannot use --data-dir .*ENOTDIR.*\n$/);

    mkdirSync(join(directory, 'data'), { mode: 0o700 });
    writeFileSync(
      join(directory, 'data', 'control.sqlite'),
      'no database at all, but long enough to be looked at'.repeat(99),
    );
    const noDatabase = await run(listen);
    expect(noDatabase).toMatchObject({ code: 1, stdout: '' });
    expect(noDatabase.stderr).toMatch(/^shadownet-control: cannot open the database: SQLITE_NOTADB.*\n$/);
  });

  it('has commands that ask the running server, and say in one line that none runs', async () => {
    expect(await run(['audit'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no shadownet-control runs on'),
    });
  });

  it('prints its help and its version', async () => {
    expect(await run(['--help'])).toMatchObject({ code: 0, stdout: expect.stringContaining('audit') });
    expect(await run(['serve', '--help'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('--dashboard-dir'),
    });
    expect(await run(['--version'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });
});
