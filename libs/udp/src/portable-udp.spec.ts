import { existsSync } from 'node:fs';
import { networkInterfaces } from 'node:os';

import {
  enterFreshNetworkNamespace,
  libc,
  openTunDescriptor,
  processArena,
  setInterfaceAddress,
  setInterfaceUp,
} from '@shadownet/native';
import { endpoint, parseIpAddress } from '@shadownet/primitives';
import { describe, expect, it, onTestFinished } from 'vitest';

import { openPortableUdp, type PortableUdpOptions } from './portable-udp.js';
import type { UdpSocket } from './udp-socket.js';
import { describeUdpSocket } from './udp-socket.contract.js';

const LOOPBACK_4 = parseIpAddress('127.0.0.1')!;
const LOOPBACK_6 = parseIpAddress('::1')!;
const HAS_IPV6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));

describe.skipIf(!HAS_IPV6)('the dual-stack portable socket (needs IPv6 on loopback)', () => {
  describeUdpSocket(() => ({ addresses: [LOOPBACK_4, LOOPBACK_6], open: (port = 0) => openPortableUdp({ port }) }));

  it('refuses a port that an IPv4 socket has', async () => {
    const { port } = await open({ family: 'ipv4' });
    await expect(openPortableUdp({ port })).rejects.toMatchObject({ code: 'port-in-use' });
  });
});

describe.skipIf(!HAS_IPV6)('the portable socket on one IPv6 address (needs IPv6 on loopback)', () => {
  describeUdpSocket(() => ({
    addresses: [LOOPBACK_6],
    open: (port = 0) => openPortableUdp({ port, address: LOOPBACK_6 }),
  }));

  it('leaves the port free for IPv4 sockets', async () => {
    const { port } = await open({ address: LOOPBACK_6 });
    expect((await open({ port, family: 'ipv4' })).port).toBe(port);
  });
});

describe('the portable socket on one IPv4 address', () => {
  describeUdpSocket(() => ({
    addresses: [LOOPBACK_4],
    open: (port = 0) => openPortableUdp({ port, address: LOOPBACK_4 }),
  }));
});

describe('the IPv4 portable socket', () => {
  describeUdpSocket(() => ({
    addresses: [LOOPBACK_4],
    open: (port = 0) => openPortableUdp({ port, family: 'ipv4' }),
  }));

  it('counts what the system refuses by its errno instead of throwing', async () => {
    const socket = await open({ family: 'ipv4' });
    // A broadcast without SO_BROADCAST.
    socket.send(Uint8Array.of(1), endpoint(parseIpAddress('255.255.255.255')!, 9));
    await new Promise((resolve) => setImmediate(resolve));
    expect(socket.counters).toMatchObject({ datagramsSent: 0, sendErrors: { EACCES: 1 } });
  });

  it.skipIf(!canOpenTun())(
    'drops and counts what comes from port 0 (needs root, namespaces and /dev/net/tun)',
    async () => {
      onTestFinished(enterFreshNetworkNamespace());
      const tun = openTunDescriptor('udp0');
      onTestFinished(() => libc().close(tun));
      setInterfaceAddress('udp0', parseIpAddress('198.18.0.1')!, 30);
      setInterfaceUp('udp0');
      const socket = await open({ family: 'ipv4' });
      const inbox = new Promise((resolve) => socket.onDatagram((_, from) => resolve(from)));
      for (const sourcePort of [0, 5]) {
        const packet = processArena().allocate(28);
        packet.bytes.set([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0xee, 0xa9, 198, 18, 0, 2, 198, 18, 0, 1]);
        packet.bytes.set([0, sourcePort, socket.port >> 8, socket.port & 0xff, 0, 8, 0, 0], 20);
        expect(libc().write(tun, packet, 28)).toBe(28);
        processArena().release(packet);
      }
      expect(await inbox).toEqual(endpoint(parseIpAddress('198.18.0.2')!, 5));
      expect(socket.counters).toMatchObject({ datagramsReceived: 1, receiveErrors: { 'source-port-0': 1 } });
    },
  );

  it('names the reason when it cannot listen on an address', async () => {
    await expect(openPortableUdp({ address: parseIpAddress('192.0.2.1')! })).rejects.toMatchObject({
      code: 'socket-failed',
      message: expect.stringContaining('EADDRNOTAVAIL'),
    });
  });

  it('refuses a port that does not exist', async () => {
    await expect(openPortableUdp({ port: 65_536 })).rejects.toThrow(RangeError);
  });
});

async function open(options: PortableUdpOptions): Promise<UdpSocket> {
  const socket = await openPortableUdp(options);
  onTestFinished(() => socket.close());
  return socket;
}

function canOpenTun(): boolean {
  if (!existsSync('/dev/net/tun')) return false;
  try {
    enterFreshNetworkNamespace()();
    return true;
  } catch {
    return false;
  }
}
