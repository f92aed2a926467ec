import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

import { parseIpAddress } from '@shadownet/primitives';
import { afterAll, describe, expect, it } from 'vitest';

import { libc } from './libc.js';
import {
  interfaceIndex,
  setInterfaceAddress,
  setInterfaceDown,
  setInterfaceMtu,
  setInterfaceQueueLength,
  setInterfaceUp,
  writeInterfaceName,
} from './netdevice.js';
import { enterFreshNetworkNamespace } from './network-namespace.js';
import { openTunDescriptor } from './tun-descriptor.js';

const leaveNamespace = tryEnterNamespace();
afterAll(() => leaveNamespace?.());

describe.skipIf(!leaveNamespace)('netdevice (needs root, namespaces, /dev/net/tun and ip)', () => {
  it('sets what ip(8) then shows', () => {
    const descriptor = openTunDescriptor('dev0');
    setInterfaceMtu('dev0', 1300);
    setInterfaceQueueLength('dev0', 77);
    setInterfaceAddress('dev0', parseIpAddress('198.18.4.1')!, 22);
    setInterfaceAddress('dev0', parseIpAddress('fd00:18::1')!, 64);
    expect(show('dev0').flags).not.toContain('UP');
    setInterfaceUp('dev0');

    const device = show('dev0');
    expect(device).toMatchObject({ ifindex: interfaceIndex('dev0'), mtu: 1300, txqlen: 77 });
    expect(device.flags).toContain('UP');
    const addresses = device.addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`);
    expect(addresses).toEqual(expect.arrayContaining(['198.18.4.1/22', 'fd00:18::1/64']));
    expect(execFileSync('ip', ['route'], { encoding: 'utf8' })).toContain('198.18.4.0/22 dev dev0');

    setInterfaceDown('dev0');
    expect(show('dev0').flags).not.toContain('UP');
    libc().close(descriptor);
    expect(() => interfaceIndex('dev0')).toThrow(expect.objectContaining({ errno: 'ENODEV' }));
  });

  it('names the errno and the interface when the kernel refuses', () => {
    expect(() => setInterfaceMtu('absent0', 1280)).toThrow(
      expect.objectContaining({ errno: 'ENODEV', message: 'ioctl SIOCSIFMTU absent0: ENODEV' }),
    );
    expect(() => setInterfaceMtu('lo', -1)).toThrow(expect.objectContaining({ errno: 'EINVAL' }));
  });
});

describe('writeInterfaceName', () => {
  it('terminates the name and clears what was there', () => {
    const request = new Uint8Array(40).fill(0xff);
    writeInterfaceName(request, 'sn0');
    expect([...request.subarray(0, 17)]).toEqual([0x73, 0x6e, 0x30, ...Array<number>(13).fill(0), 0xff]);
  });

  it('refuses names that do not fit or are not ASCII', () => {
    for (const name of ['', 'sixteen-letters0', 'a b', 'tün']) {
      expect(() => writeInterfaceName(new Uint8Array(40), name)).toThrow(RangeError);
    }
  });
});

interface ShownInterface {
  readonly ifindex: number;
  readonly mtu: number;
  readonly txqlen: number;
  readonly flags: readonly string[];
  readonly addr_info: readonly { readonly local: string; readonly prefixlen: number }[];
}

function show(name: string): ShownInterface {
  const [device] = JSON.parse(execFileSync('ip', ['-json', 'addr', 'show', name], { encoding: 'utf8' })) as [
    ShownInterface,
  ];
  return device;
}

function tryEnterNamespace(): (() => void) | undefined {
  if (!existsSync('/dev/net/tun')) return undefined;
  try {
    execFileSync('ip', ['-V']);
    return enterFreshNetworkNamespace();
  } catch {
    return undefined;
  }
}
