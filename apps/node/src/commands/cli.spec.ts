// The program as users run it: bundled as the build does it, and executed.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VERSION } from '../version.js';

const REPOSITORY = fileURLToPath(new URL('../../../..', import.meta.url));

describe('shadownet-node', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'shadownet-cli-'));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    const source = join(REPOSITORY, 'apps/node/src/main.ts');
    execFileSync(process.execPath, [join(REPOSITORY, 'bundle.mjs'), source], { cwd: folder });
  }, 60_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  function run(...args: string[]) {
    const env = { PATH: process.env.PATH, NO_COLOR: '1' };
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, 'dist/main.js'), ...args], {
      encoding: 'utf8',
      env,
    });
    return { status, stdout, stderr };
  }

  it('prints its version, which is that of its package', () => {
    expect(run('version')).toEqual({ status: 0, stdout: `shadownet-node ${VERSION}\n`, stderr: '' });
    const { version } = JSON.parse(readFileSync(join(REPOSITORY, 'apps/node/package.json'), 'utf8')) as {
      version: string;
    };
    expect(VERSION).toBe(version);
  });

  it('helps with examples', () => {
    const { status, stdout } = run('--help');
    expect(status).toBe(0);
    expect(stdout).toContain('$ shadownet-node up --control http://203.0.113.10:8080');
    expect(run('up', '--help').stdout).toContain('--foreground');
  });

  it('predicts from two netchecks how their hosts would connect', () => {
    const netcheck = (name: string, mapping: string, offers: readonly object[] = []): string => {
      const file = join(folder, `${name}.json`);
      const finding = (dependence: string) => ({ dependence, address_dependence: 'tested' });
      const nat = {
        kind: 'nat',
        endpoint: '203.0.113.9:4000',
        mapping: finding(mapping),
        filtering: finding('address-and-port-dependent'),
        port_preservation: false,
        allocation: { kind: 'random' },
        pooling: 'paired',
        hairpin: null,
        lifetime: null,
      };
      const report = {
        version: '0.1.0',
        time: '2026-01-01T00:00:00.000Z',
        udp: 'works',
        ipv4: { result: 'tested', nat, meaning: 'for people' },
        ipv6: { result: 'not-tested', reason: 'no-address' },
        port_mapping: offers,
        stun_servers: [],
      };
      writeFileSync(file, JSON.stringify(report));
      return file;
    };
    const hard = netcheck('hard', 'address-and-port-dependent');
    const offer = { protocol: 'pcp', gateway: '192.168.1.1', external_address: null };
    const forwarded = netcheck('forwarded', 'address-and-port-dependent', [offer]);

    const { status, stdout } = run('what-if', hard, hard);
    expect(status).toBe(0);
    expect(stdout).toBe(
      'relayed\n  both NATs allocate a new port per destination: relayed\n' +
        '  to make it surely direct: a port mapping (UPnP, NAT-PMP or PCP) on either router, or IPv6 on both sides\n',
    );
    expect(JSON.parse(run('what-if', hard, forwarded, '--json').stdout)).toMatchObject({
      means: 'peer-reflexive',
      family: 4,
    });
    writeFileSync(join(folder, 'wrong.json'), '{}');
    const wrong = run('what-if', hard, join(folder, 'wrong.json'));
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toMatch(/wrong\.json is not what netcheck --json prints/);
  });

  it('makes keys of 32 clamped bytes, another each time', () => {
    const keys = [run('keygen'), run('keygen')].map(({ stdout }) => Buffer.from(stdout, 'base64'));
    for (const key of keys) {
      expect(key).toHaveLength(32);
      expect([key[0]! & 7, key[31]! & 0xc0]).toEqual([0, 0x40]);
    }
    expect(keys[0]).not.toEqual(keys[1]);
  });

  it.each([
    [['no-such-command'], /unknown command/],
    [['up', '--no-such-option'], /unknown option/],
    [['up'], /which control server\?/],
    [['up', '--control', 'nonsense'], /--control: "nonsense" is not a URL/],
    [['status', '--interface', 'a/b'], /--interface/],
    [['ping'], /missing required argument 'peer'/],
    [['ping', 'b', '--count', '0'], /--count: "0" is not a whole number from 1/],
  ])('exits with 2 on wrong usage: %j', (args, message) => {
    const { status, stderr } = run(...args);
    expect(status).toBe(2);
    expect(stderr).toMatch(message);
  });

  it.each(['status', 'peers', 'down'])(
    'exits with 3 on %s when no node is running, and says so in one line',
    (command) => {
      const { status, stderr } = run(command, '--run-dir', folder);
      expect(status).toBe(3);
      expect(stderr).toBe(`shadownet-node: no node is running (nothing answers on ${folder}/shadownet0.sock)\n`);
    },
  );

  describe.skipIf(process.geteuid?.() !== 0)('up without what a network interface needs (as root)', () => {
    const withoutNetAdmin = ['setpriv', '--bounding-set', '-net_admin', '--inh-caps', '-net_admin'];
    const withoutDevice = ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs none /dev/net && exec "$@"', 'sh'];

    it.each([
      [
        withoutNetAdmin,
        'root lacks CAP_NET_ADMIN here, which making a network interface needs: start the container with --cap-add NET_ADMIN',
      ],
      [withoutDevice, 'there is no /dev/net/tun: run modprobe tun, or start the container with --device /dev/net/tun'],
    ])('exits with 4 under %j, and says in one line what is missing', (command, line) => {
      const [program = '', ...options] = command;
      const up = [process.execPath, join(folder, 'dist/main.js'), 'up', '--control', 'http://127.0.0.1:9'];
      const { status, stderr } = spawnSync(program, [...options, ...up], { encoding: 'utf8' });
      expect({ status, stderr }).toEqual({ status: 4, stderr: `shadownet-node: ${line}\n` });
    });
  });
});
