import { once } from 'node:events';
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { networkInterfaces } from 'node:os';

import { enterFreshNetworkNamespace, MSG_DONTWAIT, packetCalls, processArena, SendHeader } from '@shadownet/native';
import { type Endpoint, endpoint, parseIpAddress } from '@shadownet/primitives';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

import { type OffloadUdpSocket, openOffloadUdp } from './offload-udp.js';
import { describeUdpSocket } from './udp-socket.contract.js';

const LOOPBACK_4 = parseIpAddress('127.0.0.1')!;
const LOOPBACK_6 = parseIpAddress('::1')!;
const HAS_IPV6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));

function canOpen(): boolean {
  try {
    void openOffloadUdp({ port: 0, mark: 0 }).close();
    return true;
  } catch {
    return false;
  }
}

function hasSs(): boolean {
  try {
    execFileSync('ss', ['-V'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(!HAS_IPV6 || !canOpen())('the offloading socket (needs Linux, koffi and IPv6 on loopback)', () => {
  describeUdpSocket(() => ({
    addresses: [LOOPBACK_4, LOOPBACK_6],
    open: async (port = 0) => openOffloadUdp({ port, mark: 0 }),
  }));

  it.skipIf(!hasSs())('holds no more on its way out than an uplink of 20 Mbit/s sends in 0.2 s (needs ss)', () => {
    const { port } = open();
    const memory = execFileSync('ss', ['-Huanm', `sport = :${String(port)}`], { encoding: 'utf8' });
    expect(Number(/,tb(\d+),/.exec(memory)?.[1])).toBeLessThanOrEqual(512 * 1024);
  });

  it.each([LOOPBACK_4, LOOPBACK_6])('takes a batch apart into its datagrams (%#)', async (address) => {
    const [sender, receiver] = [open(), open()];
    const received: Uint8Array[] = [];
    const done = new Promise<void>((resolve) => {
      receiver.onDatagram((datagram) => {
        received.push(datagram);
        if (received.length === 10) resolve();
      });
    });
    sendBatch(sender, endpoint(address, receiver.port), 10, 1000, 300);
    await done;
    expect(received.map((datagram) => [datagram.length, datagram[0]])).toEqual(
      Array.from({ length: 10 }, (_, i) => [i === 9 ? 300 : 1000, i]),
    );
  });

  it.skipIf(process.getuid?.() !== 0)(
    'keeps a few datagrams for when there is room in a full send buffer',
    async ({ skip }) => {
      onTestFinished(enterFreshNetworkNamespace());
      const run = (line: string) => execFileSync('sh', ['-c', line], { stdio: 'ignore' });
      try {
        run('ip link add slow0 type veth peer name slow1 && ip link set slow1 up && ip link set slow0 up');
        run('ip address add 192.0.2.1/24 dev slow0');
        run('ip neighbour add 192.0.2.2 lladdr 02:00:00:00:00:02 dev slow0');
        // What is sent stays in the queue, and in the socket's buffer, for minutes.
        run('tc qdisc add dev slow0 root tbf rate 8kbit burst 70kb limit 1gb');
      } catch {
        skip('needs ip, tc, veth and tbf');
      }
      const sender = open();
      const to = endpoint(parseIpAddress('192.0.2.2')!, 9);
      const datagram = new Uint8Array(1400);
      let sent = -1;
      while (sender.counters.datagramsSent > sent) {
        sent = sender.counters.datagramsSent;
        sender.send(datagram, to);
      }
      expect(sent).toBeGreaterThan(0);
      for (let count = 1; count < 64; count++) sender.send(datagram, to);
      expect(sender.counters.sendErrors).toEqual({});
      sender.send(datagram, to);
      expect(sender.counters.sendErrors).toEqual({ EAGAIN: 1 });
      run('tc qdisc delete dev slow0 root');
      await vi.waitFor(() => expect(sender.counters.datagramsSent).toBe(sent + 64));
    },
  );

  it('reaches a socket without offload as so many datagrams', async () => {
    const sender = open();
    const plain = createSocket('udp4');
    onTestFinished(() => void plain.close());
    plain.bind(0, '127.0.0.1');
    await once(plain, 'listening');
    const sizes: number[] = [];
    const done = new Promise<void>((resolve) => {
      plain.on('message', (message) => {
        if (sizes.push(message.length) === 4) resolve();
      });
    });
    sendBatch(sender, endpoint(LOOPBACK_4, plain.address().port), 4, 500, 500);
    await done;
    expect(sizes).toEqual([500, 500, 500, 500]);
  });

  it('receives nothing by itself once it is handed over, only what is delivered', async () => {
    const [sender, receiver] = [open(), open()];
    const received: Uint8Array[] = [];
    receiver.onDatagram((datagram) => received.push(datagram));
    receiver.handOver(async () => undefined);
    sender.send(Uint8Array.of(1), endpoint(LOOPBACK_4, receiver.port));
    await new Promise((resolve) => setTimeout(resolve, 20));
    receiver.deliver(Uint8Array.of(2), endpoint(LOOPBACK_4, sender.port), undefined);
    expect(received).toEqual([Uint8Array.of(2)]);
  });

  it('gives all its pinned memory back, however often it is opened', async () => {
    await openOffloadUdp({ port: 0, mark: 0 }).close();
    const before = processArena().pinnedBytes;
    for (let i = 0; i < 200; i++) await openOffloadUdp({ port: 0, mark: 0 }).close();
    expect(processArena().pinnedBytes).toBe(before);
  });

  it('keeps its descriptor until those who have it let go', async () => {
    const socket = openOffloadUdp({ port: 0, mark: 0 });
    let letGo = (): void => undefined;
    socket.handOver(() => new Promise((resolve) => (letGo = resolve)));
    const closed = socket.close();
    expect(() => openOffloadUdp({ port: socket.port, mark: 0 })).toThrow(
      expect.objectContaining({ code: 'port-in-use' }) as Error,
    );
    letGo();
    await closed;
    await openOffloadUdp({ port: socket.port, mark: 0 }).close();
  });
});

function open(): OffloadUdpSocket {
  const socket = openOffloadUdp({ port: 0, mark: 0 });
  onTestFinished(() => socket.close());
  return socket;
}

/** One sendmsg: datagrams of `size` bytes that begin with their number, the last one of `lastSize`. */
function sendBatch(socket: OffloadUdpSocket, to: Endpoint, count: number, size: number, lastSize: number): void {
  const length = (count - 1) * size + lastSize;
  const block = processArena().allocate(length);
  for (let i = 0; i < count; i++) block.bytes[i * size] = i;
  const header = new SendHeader(socket.family);
  header.setDestination(to.address.bytes, to.port);
  header.setPayload(block.address, length, size, 1);
  expect(packetCalls().sendmsg(socket.descriptor, header.address, MSG_DONTWAIT)).toBe(length);
  processArena().release(block);
}
