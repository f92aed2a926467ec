import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

import { afterAll, describe, expect, it, onTestFinished } from 'vitest';

import { libc } from './libc.js';
import { enterFreshNetworkNamespace } from './network-namespace.js';
import { openTunDescriptor } from './tun-descriptor.js';
import { TunInterfaceProbe } from './tun-interface-probe.js';

const leaveNamespace = tryEnterNamespace();
afterAll(() => leaveNamespace?.());

describe.skipIf(!leaveNamespace)('TunInterfaceProbe (needs root, namespaces, /dev/net/tun and ip)', () => {
  it('sees the interface go up and down', () => {
    const probe = openProbe('probe0');
    expect(probe.status().state).toBe('down');
    ip('link', 'set', 'probe0', 'up');
    expect(probe.status().state).toBe('up');
    ip('link', 'set', 'probe0', 'down');
    expect(probe.status().state).toBe('down');
  });

  it('sees its MTU change', () => {
    const probe = openProbe('probe4');
    ip('link', 'set', 'probe4', 'mtu', '1380');
    expect(probe.status()).toMatchObject({ state: 'down', mtu: 1380 });
    ip('link', 'set', 'probe4', 'mtu', '1280');
    expect(probe.status()).toMatchObject({ state: 'down', mtu: 1280 });
  });

  it('follows it through a change of its name', () => {
    const probe = openProbe('probe1');
    ip('link', 'set', 'probe1', 'name', 'renamed1');
    ip('link', 'set', 'renamed1', 'up');
    expect(probe.status().state).toBe('up');
  });

  it('follows it into another namespace, and is not taken in by another of its name', () => {
    const probe = openProbe('probe2');
    const namespace = `snprobe-${process.pid}`;
    ip('netns', 'add', namespace);
    onTestFinished(() => ip('netns', 'delete', namespace));
    ip('link', 'set', 'probe2', 'netns', namespace);
    ip('link', 'add', 'probe2', 'type', 'bridge');
    ip('link', 'set', 'probe2', 'up');
    expect(probe.status().state).toBe('down');
    ip('-n', namespace, 'link', 'set', 'probe2', 'up');
    expect(probe.status().state).toBe('up');
    expect(execFileSync('ip', ['link'], { encoding: 'utf8' })).toContain('probe2');
  });

  it('throws when the interface was deleted', () => {
    const probe = openProbe('probe3');
    expect(probe.status().state).toBe('down');
    ip('link', 'delete', 'probe3');
    expect(() => probe.status().state).toThrow('EBADFD');
  });
});

function openProbe(name: string): TunInterfaceProbe {
  const descriptor = openTunDescriptor(name);
  const probe = new TunInterfaceProbe(descriptor);
  onTestFinished(() => {
    probe.close();
    libc().close(descriptor);
  });
  return probe;
}

function ip(...argv: string[]): void {
  execFileSync('ip', argv, { stdio: 'ignore' });
}

function tryEnterNamespace(): (() => void) | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || !existsSync('/dev/net/tun')) return undefined;
  try {
    execFileSync('ip', ['-V']);
    return enterFreshNetworkNamespace();
  } catch {
    return undefined;
  }
}
