// Data that goes by a relay, moved by the real workers: a relay on loopback, and at its other side a device whose core does
// everything.
import { existsSync } from 'node:fs';
import { openOffloadUdp } from '@shadownet/udp';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

import { ip, open, send, udpPacket } from './bare-socket.contract.js';
import { BareRelayedPeer, INNER, LoopbackRelay, RelayedEnd } from './relayed-end.contract.js';

const IS_ROOT = process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/dev/net/tun');
const PATIENCE = { timeout: 15_000 };
const UDP_HEADERS = 28;
const FULL_PACKET = 1280;

describe.skipIf(!IS_ROOT).each([1, 3])('data by a relay, %i pairs (needs root, /dev/net/tun and ip)', (workerPairs) => {
  it('leaves in bursts past the core, of which each packet arrives once and whole', async () => {
    const { relayed, relay, peer } = await connect(workerPairs);
    ip(`link set relayed0 mtu ${String(FULL_PACKET)}`);
    relayed.end.plane.tun.interfaceState();
    const before = relayed.coreMessages;
    const host = open(6);
    const payload = new Uint8Array(20 * (FULL_PACKET - UDP_HEADERS)).map((_, i) => (i * 7) ^ (i >> 8));
    send(host, INNER.peer, 9, { bytes: payload, segmentSize: FULL_PACKET - UDP_HEADERS });
    await vi.waitFor(() => expect(dataIn(peer)).toHaveLength(payload.length), PATIENCE);
    expect(dataIn(peer)).toEqual(payload);
    expect(relayed.coreMessages).toBe(before);
    expect(relayed.end.plane.counters()['relayedSent']).toBeGreaterThanOrEqual(20);
    // With the headers of IPv6 and UDP less than every Ethernet carries.
    const longest = Math.max(...relay.sent.map(({ frame }) => frame.length));
    expect(longest).toBe(16 + 32 + FULL_PACKET);
    expect(longest + 48).toBeLessThanOrEqual(1500);
  });

  it('comes in past the core, and is told of as traffic of that path', async () => {
    const { relayed, peer } = await connect(workerPairs);
    const host = open(6);
    const before = relayed.coreMessages;
    for (let i = 0; i < 30; i++) peer.sendPacket(udpPacket(INNER.peer, INNER.ours, host.port, 0));
    for (let i = 0; i < 30; i++) {
      await vi.waitFor(() => expect(host.receive()).toBeDefined(), PATIENCE);
    }
    expect(host.receive()).toBeUndefined();
    expect(relayed.coreMessages).toBe(before);
    const { plane, device } = relayed.end;
    expect(plane.counters()['relayedReceived']).toBeGreaterThanOrEqual(30);
    expect(device.peerStatuses()[0]!.path).toMatchObject({ kind: 'relay', peer: peer.publicKey });
  });

  it('is refused if it was seen before, forged, or not from the relay', async () => {
    const { relayed, relay, peer } = await connect(workerPairs);
    const host = open(6);
    peer.sendPacket(udpPacket(INNER.peer, INNER.ours, host.port, 0));
    await vi.waitFor(() => expect(host.receive()).toBeDefined(), PATIENCE);
    const counters = () => relayed.end.plane.counters();
    const to = relayed.end.endpoint;
    const genuine = relay.dataTo(to).at(-1)!;

    relay.send(genuine, to);
    await vi.waitFor(() => expect(counters()['relayFrameReplayed']).toBe(1), PATIENCE);
    // Any bit of it: the type, the channel, the counter, the tag, what it carries.
    for (const at of [0, 2, 7, 8, 15, 20, genuine.length - 1]) {
      const forged = genuine.slice();
      forged[at]! ^= 1;
      relay.send(forged, to);
    }
    await vi.waitFor(() => expect(counters()['relayFrameUnauthentic']).toBe(7), PATIENCE);
    const stranger = openOffloadUdp({ port: 0, mark: 0 });
    onTestFinished(() => stranger.close());
    const { notForUs } = counters();
    stranger.send(genuine, to);
    await vi.waitFor(() => expect(counters()['notForUs']).toBe(notForUs! + 1), PATIENCE);
    // And none of them has spoilt anything.
    peer.sendPacket(udpPacket(INNER.peer, INNER.ours, host.port, 0));
    await vi.waitFor(() => expect(host.receive()).toBeDefined(), PATIENCE);
    expect(host.receive()).toBeUndefined();
    expect(counters()).toMatchObject({ replayedCounter: 0, unauthenticated: 0 });
  });

  it('is the core’s once the session with the relay has ended, whose keys are zeroed when workers have let go', async () => {
    const { relayed } = await connect(workerPairs);
    const { plane } = relayed.end;
    const table = plane.relaySessions!;
    const session = table.find(() => true)!;
    expect(table.sendKey(session).some((word) => word !== 0)).toBe(true);
    const { handedToCore, relayedSent } = plane.counters();
    relayed.leave();
    send(open(6), INNER.peer, 9);
    await vi.waitFor(() => expect(plane.counters()['handedToCore']).toBeGreaterThan(handedToCore!), PATIENCE);
    expect(plane.counters()['relayedSent']).toBe(relayedSent);
    await vi.waitFor(() => {
      expect([...table.sendKey(session), ...table.receiveKey(session)].every((word) => word === 0)).toBe(true);
    }, PATIENCE);
  });
});

async function connect(
  workerPairs: number,
): Promise<{ relay: LoopbackRelay; relayed: RelayedEnd; peer: BareRelayedPeer }> {
  // The namespace first: all sockets are in it.
  let relay: LoopbackRelay | undefined;
  const relayed = await RelayedEnd.open('relayed0', workerPairs, () => (relay = new LoopbackRelay()));
  const peer = new BareRelayedPeer(relay!);
  await relayed.meet(peer);
  return { relay: relay!, relayed, peer };
}

/** The payload of all that the peer's host got. */
function dataIn({ received }: BareRelayedPeer): Uint8Array {
  const payloads = received
    .filter((packet) => packet[0] === 0x45 && packet[9] === 17)
    .map((packet) => {
      const length = new DataView(packet.buffer, packet.byteOffset).getUint16(2);
      return packet.subarray(UDP_HEADERS, length);
    });
  return Uint8Array.from(Buffer.concat(payloads));
}
