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

  describe('replay', () => {
    const remote = '203.0.113.9:4000';
    const path = { kind: 'udp', socket: 0, remote };
    const exported = (entries: readonly object[], current: object | null = path) => ({
      version: VERSION,
      time: '2026-01-01T00:00:00.000Z',
      hostname: 'backup',
      public_key: 'BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU=',
      recording: { version: 1, dropped: 0, entries, current },
    });
    const answered = { sent: 3, answered: 2, firstAnswered: 2, rtt: 12.5, lastAnsweredAt: 900 };
    const entries = [
      { kind: 'candidates', at: 0, source: 'map', candidates: [{ kind: 'server-reflexive', endpoint: remote }] },
      { kind: 'command', at: 0, command: 'start' },
      { kind: 'search', at: 0, reason: 'started' },
      { kind: 'probes', at: 0, path, ...answered },
      { kind: 'selected', at: 412.5, path, rtt: 12.5 },
    ];
    const write = (name: string, content: string): string => {
      const file = join(folder, name);
      writeFileSync(file, content);
      return file;
    };

    it('prints what happened and why, and that a replay comes to the same', () => {
      const file = write('recording.json', JSON.stringify(exported(entries)));
      const { status, stdout, stderr } = run('replay', file);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout).toContain(`00:00.0  candidates by the network map: server-reflexive ${remote}\n`);
      expect(stdout).toContain(`00:00.4  data goes by ${remote}\n`);
      expect(stdout).toContain(`Direct to ${remote}, where STUN servers see the peer`);
      expect(stdout).toMatch(/\nReplayed: the same decisions\.\n$/);

      const decisions = [{ kind: 'selected', path: remote }];
      expect(JSON.parse(run('replay', file, '--json').stdout)).toMatchObject({
        hostname: 'backup',
        outcome: { kind: 'same-decisions' },
        explanation: { path: 'direct' },
        decisions,
        replay: { explanation: { path: 'direct' }, decisions },
      });
    });

    it('says so if a replay comes to something else', () => {
      const silent = { sent: 3, answered: 0, firstAnswered: 0, rtt: null, lastAnsweredAt: null };
      const forged = entries.map((entry) => (entry.kind === 'probes' ? { ...entry, ...silent } : entry));
      const { stdout } = run('replay', write('forged.json', JSON.stringify(exported(forged))));
      expect(stdout).toMatch(/Replayed: another verdict\. None of 1 endpoints answered: no path\.\n$/);
    });

    const month = 32 * 86_400_000;
    it.each([
      ['damaged', '{"version":', /damaged\.json: .*JSON/],
      ['foreign', '{}', /foreign\.json is not what status --explain --export writes \(version: /],
      ['versioned', JSON.stringify(exported(entries)).replace('"version":1', '"version":2'), /\(recording\.version: /],
      ['crowded', JSON.stringify(exported(Array(257).fill(entries[1]))), /\(recording\.entries: /],
      ['too-long', JSON.stringify(exported([...entries, { kind: 'data', at: 0, until: month }])), /31 days/],
      ['huge', ' '.repeat(1024 * 1024 + 1), /larger than 1048576 bytes/],
    ])('refuses a file that is %s, and says why', (name, content, message) => {
      const { status, stdout, stderr } = run('replay', write(`${name}.json`, content));
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr).toMatch(message);
    });

    it('refuses what is no file', () => {
      expect(run('replay', join(folder, 'missing.json'))).toMatchObject({ status: 2 });
      expect(run('replay', folder).stderr).toContain('is not a file');
    });
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
    [['status', '--export', 'somewhere'], /--export needs --explain PEER/],
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
