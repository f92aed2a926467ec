// The packet filter's hook in the workers, with packets of the kernel: a data plane that has a filter, and a peer that is a device on a
// bare socket, in a network namespace.
import { execFileSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { endpoint, parseIpPrefix, remoteOf, udpPath } from '@shadownet/primitives';
import { openOffloadUdp } from '@shadownet/udp';
import type { DeviceOutput } from '@shadownet/wireguard';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

import { checksumOf, sumWords } from './checksum.js';
import { End, LOOPBACK, newDevice, now } from './data-plane-end.contract.js';
import { portTable } from './port-filter.contract.js';
import { IPV4, PROTOCOL_UDP, UDP } from './virtio-header.js';

const IS_ROOT = process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/dev/net/tun');
const PATIENCE = { timeout: 15_000 };
const OURS = '10.9.0.2';
const THEIRS = '10.9.0.1';
const DENIED = 7;
const ALLOWED = 9;

describe.skipIf(!IS_ROOT).each([1, 3])('a packet filter, %i pairs (needs root, /dev/net/tun and ip)', (workerPairs) => {
  it('judges what workers send, by the table that was set last', async () => {
    const { end, peer } = await connect(workerPairs);
    end.device.setFilterTable(portTable({ out: DENIED, in: 0 }));
    await end.plane.settled();
    const host = await hostSocket();
    for (const port of [DENIED, ALLOWED, DENIED, ALLOWED]) host.send('x', port, THEIRS);
    await vi.waitFor(() => expect(peer.ports).toEqual([ALLOWED, ALLOWED]), PATIENCE);
    expect(deniedBy(end)).toBe(2);

    end.device.setFilterTable(undefined);
    await end.plane.settled();
    host.send('x', DENIED, THEIRS);
    await vi.waitFor(() => expect(peer.ports).toEqual([ALLOWED, ALLOWED, DENIED]), PATIENCE);
  });

  it('judges what workers receive, before the host sees it', async () => {
    const { end, peer } = await connect(workerPairs);
    const [host, other] = [await hostSocket(), await hostSocket()];
    const [port, deniedPort] = [host.address().port, other.address().port];
    end.device.setFilterTable(portTable({ out: 0, in: deniedPort }));
    await end.plane.settled();
    const denied = vi.fn();
    other.on('message', denied);
    const received = once(host, 'message');
    for (const to of [deniedPort, port]) peer.send(to);
    await received;
    expect(deniedBy(end)).toBe(1);
    expect(denied).not.toHaveBeenCalled();
  });
});

interface Peer {
  /** Destination ports of the UDP packets that it got, in their order. */
  readonly ports: number[];
  send(port: number): void;
}

/** Both know each other and have a session. */
async function connect(workerPairs: number): Promise<{ end: End; peer: Peer }> {
  const end = await End.open('filter0', 'filtering-worker-entry', workerPairs);
  // Nothing but the packets of the tests: Linux would ask for routers on a new interface.
  execFileSync('sysctl', ['-qw', 'net.ipv6.conf.filter0.disable_ipv6=1']);
  execFileSync('ip', ['address', 'add', OURS, 'peer', THEIRS, 'dev', 'filter0']);
  execFileSync('ip', ['link', 'set', 'filter0', 'up']);
  const socket = openOffloadUdp({ port: 0, mark: 0 });
  onTestFinished(() => socket.close());
  const device = newDevice();
  const ports: number[] = [];
  const output: DeviceOutput = {
    datagram: (bytes, path) => socket.send(bytes, remoteOf(path)!),
    packet: (bytes) => ports.push(new DataView(bytes.buffer, bytes.byteOffset).getUint16(IPV4.headerLength + 2)),
  };
  socket.onDatagram((datagram, from) => void device.handleDatagram(datagram, udpPath(from), now(), output));
  end.device.upsertPeer(
    { publicKey: device.publicKey!, allowedIps: [parseIpPrefix(`${THEIRS}/32`)!] },
    now(),
    end.output,
  );
  end.settle();
  const path = udpPath(endpoint(LOOPBACK, end.socket.port));
  device.upsertPeer({ publicKey: end.publicKey, allowedIps: [parseIpPrefix(`${OURS}/32`)!], path }, now(), output);
  device.initiateHandshake(end.publicKey, now(), output);
  await vi.waitFor(() => {
    for (const either of [device, end.device]) expect(either.peerStatuses()[0]?.session).toBe('established');
  }, PATIENCE);
  return { end, peer: { ports, send: (port) => void device.handlePacket(udpPacket(port), now(), output) } };
}

/** By workers, and by the core before they had a session to send with. */
function deniedBy(end: End): number {
  return end.plane.counters()['filterDenied']! + end.device.counters['filter-denied']!;
}

async function hostSocket(): Promise<Socket> {
  const socket = createSocket('udp4').bind(0, OURS);
  onTestFinished(() => void socket.close());
  await once(socket, 'listening');
  return socket;
}

/** An empty datagram from the peer, without a checksum of its own. */
function udpPacket(port: number): Uint8Array {
  const length = IPV4.headerLength + UDP.headerLength;
  const view = new DataView(new ArrayBuffer(length));
  const bytes = new Uint8Array(view.buffer);
  view.setUint8(0, 0x45);
  view.setUint16(IPV4.totalLength, length);
  view.setUint8(IPV4.ttl, 64);
  view.setUint8(IPV4.protocol, PROTOCOL_UDP);
  bytes.set(THEIRS.split('.').map(Number), IPV4.source);
  bytes.set(OURS.split('.').map(Number), IPV4.destination);
  view.setUint16(IPV4.checksum, checksumOf(sumWords(view, 0, IPV4.headerLength)));
  view.setUint16(IPV4.headerLength, 1000);
  view.setUint16(IPV4.headerLength + 2, port);
  view.setUint16(IPV4.headerLength + UDP.length, UDP.headerLength);
  return bytes;
}
