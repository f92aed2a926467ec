import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { firstClosedTo, installService, uninstallService } from './installation.js';
import { formatUnit, quoteArgument, type ServiceUnit } from './unit.js';

const UNIT: ServiceUnit = {
  name: 'shadownet-test',
  description: 'a test',
  command: ['/bin/true', 'a b', '100%', '$HOME', { credential: 'key' }],
  credentials: [{ name: 'key', path: '/etc/shadownet/test.key' }],
  capabilities: ['CAP_NET_ADMIN'],
  devices: ['/dev/net/tun'],
  stateDirectory: 'shadownet-test',
  runtimeDirectory: 'shadownet-test',
  finalExitCodes: [2, 4],
  after: ['network-online.target'],
};

function isInstalled(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
const hasSystemd = isInstalled('systemctl') && isInstalled('systemd-analyze');
const mayInstall = hasSystemd && process.geteuid?.() === 0;

describe('a service unit', () => {
  it('passes arguments as they are', () => {
    expect(['plain', '/a/b.c', 'a b', '50%', '$HOME', 'a"b\\c', ''].map(quoteArgument)).toEqual([
      ...['plain', '/a/b.c', '"a b"', '50%%', '$$HOME', '"a\\"b\\\\c"', '""'],
    ]);
  });

  it('names the privileges that were asked for and no others', () => {
    const lines = formatUnit(UNIT).split('\n');
    expect(lines).toContain('CapabilityBoundingSet=CAP_NET_ADMIN');
    expect(lines).toContain('DeviceAllow=/dev/net/tun rw');
    expect(lines).toContain('LoadCredential=key:/etc/shadownet/test.key');
    expect(lines).toContain('ExecStart=/bin/true "a b" 100%% $$HOME %d/key');
    const plain = formatUnit({ ...UNIT, capabilities: [], devices: [] }).split('\n');
    expect(plain).toContain('CapabilityBoundingSet=');
    expect(plain).toContain('PrivateDevices=yes');
  });
});

describe('a program of a service', () => {
  let folder: string;
  beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'shadownet-service-'))));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('has to be readable by others, on the whole way to it', () => {
    const closed = join(folder, 'closed');
    const file = join(closed, 'program');
    mkdirSync(closed, { mode: 0o755 });
    writeFileSync(file, '', { mode: 0o644 });
    expect(firstClosedTo(file)).toBe(folder);
    chmodSync(folder, 0o755);
    expect(firstClosedTo(file)).toBeUndefined();
    chmodSync(file, 0o640);
    expect(firstClosedTo(file)).toBe(file);
    chmodSync(closed, 0o750);
    expect(firstClosedTo(file)).toBe(closed);
    expect(firstClosedTo('/home/somebody/program')).toBe('/home');
  });
});

describe.skipIf(!mayInstall)('installed into an image (as root, with systemd)', () => {
  let root: string;
  beforeAll(() => (root = mkdtempSync(join(tmpdir(), 'shadownet-image-'))));
  afterAll(() => rmSync(root, { recursive: true }));
  const config = { path: '/etc/shadownet/test.toml', text: 'port = "1"\n', readers: 'everybody' } as const;
  const secret = { path: '/etc/shadownet/test.key', text: 'secret\n', readers: 'root' } as const;
  const isEnabled = (): string => {
    try {
      return execFileSync('systemctl', [`--root=${root}`, 'is-enabled', UNIT.name], { encoding: 'utf8' }).trim();
    } catch (error) {
      return String((error as { stdout?: string }).stdout).trim();
    }
  };

  it('is enabled, is what systemd understands, and is little exposed', async () => {
    const done = await installService(UNIT, [config, secret], { root });
    expect(done).toHaveLength(4);
    expect([config, secret].map(({ path }) => statSync(join(root, path)).mode & 0o777)).toEqual([0o644, 0o600]);
    expect(isEnabled()).toBe('enabled');
    const file = join(root, 'etc/systemd/system/shadownet-test.service');
    execFileSync('systemd-analyze', ['verify', file], { stdio: 'pipe' });
    const security = ['security', '--offline=true', '--no-pager', '--threshold=20', file];
    const report = execFileSync('systemd-analyze', security, { encoding: 'utf8' });
    expect(report).toMatch(/Overall exposure level for shadownet-test\.service: 1\.\d/);
  });

  it('keeps a configuration that says something else, and is as it was then', async () => {
    const other = { ...config, text: 'port = "2"\n' };
    await expect(installService(UNIT, [secret, other], { root })).rejects.toMatchObject({ code: 'config-differs' });
    expect(await installService(UNIT, [config, secret], { root })).toHaveLength(2);
  });

  it('is gone after uninstalling, and cannot be uninstalled twice', async () => {
    await uninstallService(UNIT.name, { root });
    expect(isEnabled()).not.toBe('enabled');
    await expect(uninstallService(UNIT.name, { root })).rejects.toMatchObject({ code: 'not-installed' });
  });
});
