import type { NetworkInterfaceInfo } from 'node:os';
import { formatEndpoint, parseIpPrefix } from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';
import { hostCandidates, type InterfaceKind, MAX_HOST_CANDIDATES } from './candidate-gatherer.js';

function at(address: string, internal = false): NetworkInterfaceInfo {
  const base = { address, netmask: '', mac: '', internal, cidr: null };
  return address.includes(':') ? { ...base, family: 'IPv6', scopeid: 0 } : { ...base, family: 'IPv4' };
}

const OVERLAY = [parseIpPrefix('10.100.0.0/16')!];

function gather(
  interfaces: Record<string, NetworkInterfaceInfo[]>,
  families: readonly (4 | 6)[] = [4, 6],
  kinds: Record<string, InterfaceKind> = {},
): string[] {
  const question = { port: 51820, families, overlay: OVERLAY };
  return hostCandidates(interfaces, question, (name) => kinds[name] ?? 'link').map(formatEndpoint);
}

describe('host candidates', () => {
  it('are the addresses of the links, IPv4 first, with the socket’s port', () => {
    const found = gather({ eth0: [at('2001:db8::5'), at('192.168.1.2')], wlan0: [at('172.16.0.3')] });
    expect(found).toEqual(['192.168.1.2:51820', '172.16.0.3:51820', '[2001:db8::5]:51820']);
  });

  it.each([
    ['loopback', { lo: [at('127.0.0.1', true), at('::1', true)] }],
    ['link-local', { eth0: [at('169.254.1.1'), at('fe80::1')] }],
    ['of the overlay', { eth0: [at('10.100.3.4')] }],
    ['of Docker', { docker0: [at('172.17.0.1')], 'br-5f1c': [at('172.18.0.1')] }],
    ['of other VPNs', { wg0: [at('10.9.0.1')], tailscale0: [at('100.100.1.1')], tun3: [at('10.8.0.1')] }],
    ['of our own tunnel', { shadownet0: [at('10.200.0.1')] }],
  ])('are not addresses %s', (_what, interfaces) => {
    expect(gather(interfaces as Record<string, NetworkInterfaceInfo[]>)).toEqual([]);
  });

  it('follow what the system says of an interface beyond its name', () => {
    const interfaces = { corp: [at('10.1.1.1')], guests: [at('10.2.2.2')], br0: [at('192.168.5.5')] };
    expect(gather(interfaces, [4], { corp: 'tunnel', guests: 'virtual-bridge' })).toEqual(['192.168.5.5:51820']);
  });

  it('are of the families that the socket can send to', () => {
    expect(gather({ eth0: [at('192.168.1.2'), at('2001:db8::5')] }, [4])).toEqual(['192.168.1.2:51820']);
  });

  it('leave room for reflexive ones among the 16', () => {
    const many = Array.from({ length: 40 }, (_, i) => at(`2001:db8::${(i + 1).toString(16)}`));
    const found = gather({ eth0: [...many, at('192.168.1.2')] });
    expect(found).toHaveLength(MAX_HOST_CANDIDATES);
    expect(found[0]).toBe('192.168.1.2:51820');
  });
});
