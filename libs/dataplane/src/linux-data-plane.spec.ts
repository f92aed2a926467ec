// The fast data plane with its real workers, TUN devices and sockets, in a network namespace of its own.
import { existsSync } from 'node:fs';
import { endpoint } from '@shadownet/primitives';
import { openOffloadUdp } from '@shadownet/udp';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

import { End, LOOPBACK, now } from './data-plane-end.contract.js';

const IS_ROOT = process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/dev/net/tun');
/** Starting two threads takes a while on a busy machine. */
const PATIENCE = { timeout: 15_000 };

describe.skipIf(!IS_ROOT).each([1, 3])('the fast data plane, %i pairs (needs root, /dev/net/tun)', (workerPairs) => {
  it('shows the core what comes before there is a socket, also what nobody is responsible for', async () => {
    const end = await End.open('spec-a', 'packet-worker-entry', workerPairs);
    const seen = new Promise<void>((resolve) => end.plane.tun.onPacket(() => resolve()));
    // Linux itself asks for routers on a new interface.
    await seen;
  });

  it('does handshakes through the core, and settles only when the keys of a removed peer are zeroed', async () => {
    const [left, right] = [
      await End.open('spec-l', 'packet-worker-entry', workerPairs),
      await End.open('spec-r', 'packet-worker-entry', workerPairs),
    ];
    left.addPeer(right, '10.9.0.2/32');
    right.addPeer(left, '10.9.0.1/32');
    left.device.initiateHandshake(right.publicKey, now(), left.output);
    left.settle();
    await vi.waitFor(() => {
      for (const end of [left, right]) expect(end.device.peerStatuses()[0]?.session).toBe('established');
    }, PATIENCE);
    const { sessionTable } = left.device;
    const session = sessionTable.liveSession(0)!;
    const key = sessionTable.sendKey(session);
    expect(key.some((byte) => byte !== 0)).toBe(true);

    left.device.removePeer(right.publicKey, now());
    await left.plane.settled();
    expect(sessionTable.isLive(session)).toBe(false);
    expect(key.every((byte) => byte === 0)).toBe(true);
    expect([...left.failures, ...right.failures]).toEqual([]);
  });

  it('shows the core a message of a session that nobody has, and few of many', async () => {
    const end = await End.open('spec-s', 'packet-worker-entry', workerPairs);
    const sender = openOffloadUdp({ port: 0, mark: 0 });
    onTestFinished(() => sender.close());
    const stray = new Uint8Array(1000);
    stray[0] = 4;
    const to = endpoint(LOOPBACK, end.socket.port);
    const unknown = (): number => end.device.counters['unknown-index'] ?? 0;
    await vi.waitFor(() => {
      sender.send(stray, to);
      expect(unknown()).toBeGreaterThan(0);
    }, PATIENCE);
    const startedAt = now();
    const before = unknown();
    for (let count = 0; count < 500; count++) sender.send(stray, to);
    await vi.waitFor(() => expect(end.plane.counters()['unknownIndex']).toBeGreaterThan(400), PATIENCE);
    expect(unknown() - before).toBeLessThanOrEqual(1 + (now() - startedAt) / 100);
  });

  it('shows the core the frames of its relays, whole and by their source, and nobody else’s', async () => {
    const end = await End.open('spec-y', 'packet-worker-entry', workerPairs);
    const sender = openOffloadUdp({ port: 0, mark: 0 });
    onTestFinished(() => sender.close());
    const seen: { readonly datagram: Uint8Array; readonly port: number }[] = [];
    end.socket.onDatagram((datagram, { port }) => void seen.push({ datagram, port }));
    const frames = [16, 1468, 2048].map((length) => new Uint8Array(length).fill(0xd8));
    const send = () => {
      for (const frame of frames) sender.send(frame, endpoint(LOOPBACK, end.socket.port));
    };
    await vi.waitFor(() => {
      send();
      expect(end.plane.counters()['notForUs']).toBeGreaterThanOrEqual(3);
    }, PATIENCE);
    await end.plane.settled();
    expect(seen).toEqual([]);
    end.plane.useRelays([endpoint(LOOPBACK, sender.port)]);
    await vi.waitFor(() => {
      send();
      expect(seen.length).toBeGreaterThanOrEqual(3);
    }, PATIENCE);
    expect(seen.slice(0, 3)).toEqual(frames.map((datagram) => ({ datagram, port: sender.port })));
  });

  it('frees the port of a socket when workers have let go of it, and goes on with the next', async () => {
    const end = await End.open('spec-p', 'packet-worker-entry', workerPairs);
    const { port } = end.socket;
    const next = end.plane.openSocket({ port: 0, mark: 0 });
    await end.socket.close();
    const again = end.plane.openSocket({ port, mark: 0 });
    await next.close();
    await again.close();
    expect(end.failures).toEqual([]);
  });

  it('tells that a worker has ended on its own, and why', async () => {
    const end = await End.open('spec-f', 'failing-worker-entry', workerPairs);
    await vi.waitFor(
      () => expect(end.failures[0]).toMatch(/the (transmit|receive) worker has ended: the disk is on fire/),
      PATIENCE,
    );
  });

  it('ends its workers and its interface with close, without a failure', async () => {
    const end = await End.open('spec-c', 'packet-worker-entry', workerPairs);
    const startedAt = performance.now();
    await end.socket.close();
    await end.plane.close();
    await end.plane.close();
    // Workers wait 250 ms in poll unless their doorbell rings.
    expect(performance.now() - startedAt).toBeLessThan(2000);
    expect(end.failures).toEqual([]);
  });
});
