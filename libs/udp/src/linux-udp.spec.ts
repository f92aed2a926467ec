import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createSocket } from 'node:dgram';
import { networkInterfaces } from 'node:os';

import { enterFreshNetworkNamespace } from '@shadownet/native';
import { endpoint, parseIpAddress } from '@shadownet/primitives';
import { describe, expect, it, onTestFinished } from 'vitest';

import { type LinuxUdpSocket, openLinuxUdp } from './linux-udp.js';
import { describeUdpSocket } from './udp-socket.contract.js';

const LOOPBACK_4 = parseIpAddress('127.0.0.1')!;
const LOOPBACK_6 = parseIpAddress('::1')!;
const HAS_IPV6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));
const IS_LINUX = process.platform === 'linux';

describe.skipIf(!IS_LINUX || !HAS_IPV6)('the Linux socket (needs Linux and IPv6 on loopback)', () => {
  describeUdpSocket(() => ({
    addresses: [LOOPBACK_4, LOOPBACK_6],
    open: async (port = 0) => openLinuxUdp({ port, mark: 0 }),
  }));

  it('keeps its port to itself, also against those that would share it', async () => {
    const { port } = open();
    expect(() => openLinuxUdp({ port, mark: 0 })).toThrow(expect.objectContaining({ code: 'port-in-use' }) as Error);
    const other = createSocket({ type: 'udp6', reuseAddr: true });
    onTestFinished(() => void other.close());
    other.bind(port);
    const [error] = (await once(other, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('EADDRINUSE');
  });

  it('refuses a mark after its end', async () => {
    const socket = openLinuxUdp({ port: 0, mark: 0 });
    await socket.close();
    expect(() => socket.setMark(1)).toThrow('closed');
  });
});

describe.skipIf(!IS_LINUX || process.getuid?.() !== 0)('the mark of the Linux socket (needs root)', () => {
  it('goes by what policy routing says of it, as it is at each moment', async () => {
    const leaveNamespace = enterFreshNetworkNamespace();
    onTestFinished(leaveNamespace);
    for (const command of [
      'link add br0 type bridge',
      'address add 198.18.0.1/24 dev br0',
      'link set br0 up',
      'rule add fwmark 51 prohibit',
    ]) {
      execFileSync('ip', command.split(' '));
    }
    const target = endpoint(parseIpAddress('198.18.0.2')!, 9);
    const marked = open(51);
    marked.send(Uint8Array.of(1), target);
    await outcome(marked);
    expect(marked.counters.sendErrors).toEqual({ EACCES: 1 });

    marked.setMark(0);
    marked.send(Uint8Array.of(1), target);
    await outcome(marked);
    expect(marked.counters.datagramsSent).toBe(1);

    marked.setMark(51);
    marked.send(Uint8Array.of(1), target);
    await outcome(marked);
    expect(marked.counters).toMatchObject({ datagramsSent: 1, sendErrors: { EACCES: 2 } });
  });
});

function open(mark = 0): LinuxUdpSocket {
  const socket = openLinuxUdp({ port: 0, mark });
  onTestFinished(() => socket.close());
  return socket;
}

/** dgram tells how a send ended on a later turn of the loop. */
function outcome({ counters }: LinuxUdpSocket): Promise<void> {
  const total = (): number => counters.datagramsSent + Object.values(counters.sendErrors).reduce((a, b) => a + b, 0);
  const before = total();
  return new Promise((resolve) => {
    const look = (): void => void (total() > before ? resolve() : setImmediate(look));
    look();
  });
}
