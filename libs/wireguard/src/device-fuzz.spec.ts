// Whatever arrives: no exception, no packet to the host, no lasting harm.

import { nodeCrypto } from '@shadownet/crypto';
import { parseEndpoint, remoteOf, seconds, udpPath } from '@shadownet/primitives';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ipv4Packet, type SimulatedHost, SimulatedNetwork } from './simulated-network.js';

const ALICE = '10.0.0.1';
const BOB = '10.0.0.2';
const STRANGER = udpPath(parseEndpoint('[2001:db8::bad]:666')!);

/** Two devices with a session, and one more handshake under way from bob to alice. */
function scene(): { network: SimulatedNetwork; alice: SimulatedHost; bob: SimulatedHost } {
  const network = new SimulatedNetwork(nodeCrypto);
  const alice = network.host({ endpoint: '192.0.2.1:1000' });
  const bob = network.host({ endpoint: '192.0.2.2:2000', handshakesPerSecond: 50 });
  alice.addPeer(bob, `${BOB}/32`);
  bob.addPeer(alice, `${ALICE}/32`);
  alice.sendPacket(ipv4Packet(ALICE, BOB, 1));
  network.run(seconds(10));
  alice.sendPacket(ipv4Packet(ALICE, BOB, 2));
  network.run(seconds(1));
  network.passes = () => false;
  bob.initiate(alice);
  return { network, alice, bob };
}

describe('a device', () => {
  it('survives random datagrams of all types, and counts each one', () => {
    const { bob } = scene();
    const before = drops(bob);
    let count = 0;
    const typed = fc
      .tuple(fc.constantFrom(1, 2, 3, 4), fc.constantFrom(31, 32, 64, 92, 100, 148), fc.uint8Array({ maxLength: 160 }))
      .map(([type, length, noise]) => {
        const datagram = new Uint8Array(length);
        datagram.set(noise.subarray(0, length));
        datagram.set([type, 0, 0, 0]);
        return datagram;
      });
    fc.assert(
      fc.property(fc.oneof(typed, fc.uint8Array({ maxLength: 300 })), (datagram) => {
        count++;
        expect(bob.receive(datagram, STRANGER).ok).toBe(false);
      }),
      { numRuns: 2000 },
    );
    expect(drops(bob) - before).toBe(count);
    expect(bob.receivedNumbers).toEqual([1, 2]);
  });

  it('survives real messages with changed bytes and lengths, and goes on as if nothing had been', () => {
    const { network, alice, bob } = scene();
    const genuine = network.sent.filter(({ to }) => to.port === 2000).map(({ bytes }) => bytes);
    expect(new Set(genuine.map((bytes) => bytes[0]))).toEqual(new Set([1, 4]));
    const mutation = fc.record({
      message: fc.nat(genuine.length - 1),
      position: fc.nat(200),
      xor: fc.integer({ min: 1, max: 255 }),
      cut: fc.option(fc.nat(200), { freq: 3 }),
      tail: fc.uint8Array({ maxLength: 20 }),
    });
    fc.assert(
      fc.property(mutation, ({ message, position, xor, cut, tail }) => {
        const bytes = genuine[message]!;
        const mutated = new Uint8Array([...bytes.subarray(0, cut ?? undefined), ...tail]);
        if (mutated.length > 0) mutated[position % mutated.length]! ^= xor;
        expect(bob.receive(mutated, STRANGER).ok).toBe(false);
      }),
      { numRuns: 3000 },
    );
    expect(bob.receivedNumbers).toEqual([1, 2]);
    expect(remoteOf(bob.device.peerStatus(alice.publicKey)!.path!)!.port).toBe(1000);
    network.passes = () => true;
    alice.sendPacket(ipv4Packet(ALICE, BOB, 3));
    network.run(seconds(1));
    expect(bob.receivedNumbers).toEqual([1, 2, 3]);
  });

  it('survives whatever a genuine peer puts into its tunnel', () => {
    const { network, alice, bob } = scene();
    network.passes = () => true;
    const session = { before: bob.received.length };
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 200 }), (noise) => {
        // A header that alice's own checks let through; all else is noise.
        const packet = Uint8Array.from(noise);
        packet[0] = 0x40 | (noise[0]! & 0x0f);
        packet.set([0, packet.length], 2);
        packet.set([10, 0, 0, 2], 16);
        alice.sendPacket(packet);
        network.run(seconds(0.1));
      }),
      { numRuns: 300 },
    );
    for (const { packet } of bob.received.slice(session.before))
      expect([...packet.subarray(12, 16)]).toEqual([10, 0, 0, 1]);
    expect(bob.device.counters['source-not-allowed']).toBeGreaterThan(200);
  });
});

function drops(host: SimulatedHost): number {
  return Object.values(host.device.counters).reduce((sum, count) => sum + count, 0);
}
