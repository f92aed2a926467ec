// Two devices on a simulated network: how sessions come about, and who gets none.

import { nodeCrypto } from '@shadownet/crypto';
import { milliseconds, parseEndpoint, publicKeysEqual, Secret, seconds, udpPath } from '@shadownet/primitives';
import { beforeEach, describe, expect, it } from 'vitest';
import { ipv4Packet, type SimulatedHost, SimulatedNetwork } from './simulated-network.js';

const ALICE = '10.0.0.1';
const BOB = '10.0.0.2';

let network: SimulatedNetwork;
let alice: SimulatedHost;
let bob: SimulatedHost;

beforeEach(() => {
  network = new SimulatedNetwork(nodeCrypto);
  alice = network.host({ endpoint: '192.0.2.1:1000' });
  bob = network.host({ endpoint: '192.0.2.2:2000' });
});

function introduce(): void {
  alice.addPeer(bob, `${BOB}/32`);
  bob.addPeer(alice, `${ALICE}/32`);
}

function typesSent(): number[] {
  return network.sent.map(({ bytes }) => bytes[0]!);
}

describe('handshake', () => {
  it('makes a session for the first packet and delivers it', () => {
    introduce();
    expect(alice.sendPacket(ipv4Packet(ALICE, BOB, 7))).toEqual({ ok: true });
    network.run(seconds(1));
    expect(bob.receivedNumbers).toEqual([7]);
    expect(publicKeysEqual(bob.received[0]!.peer, alice.publicKey)).toBe(true);
    expect(typesSent()).toEqual([1, 2, 4]);
    expect(alice.eventsOf('handshake-completed')).toMatchObject([{ role: 'initiator', at: 20 }]);
    expect(bob.eventsOf('handshake-completed')).toMatchObject([{ role: 'responder', at: 30 }]);
  });

  it('carries packets both ways, with IPv6 inside and outside', () => {
    alice.endpoint = parseEndpoint('[2001:db8::1]:1000')!;
    bob.endpoint = parseEndpoint('[2001:db8::2]:2000')!;
    alice.addPeer(bob, `${BOB}/32,fd00::2/128`);
    bob.addPeer(alice, `${ALICE}/32,fd00::1/128`);
    const v6 = new Uint8Array(48);
    v6[0] = 0x60;
    v6[5] = 8;
    v6.set([0xfd, ...new Array<number>(14).fill(0), 1], 8);
    v6.set([0xfd, ...new Array<number>(14).fill(0), 2], 24);
    alice.sendPacket(v6);
    network.run(seconds(1));
    bob.sendPacket(ipv4Packet(BOB, ALICE, 1));
    network.run(seconds(1));
    expect(bob.received.map(({ packet }) => packet)).toEqual([v6]);
    expect(alice.receivedNumbers).toEqual([1]);
  });

  it('lets the responder send only after the initiator has used the session', () => {
    introduce();
    network.passes = ({ bytes }) => bytes[0] !== 4;
    alice.initiate(bob);
    network.run(seconds(1));
    bob.sendPacket(ipv4Packet(BOB, ALICE, 1));
    expect(typesSent()).toEqual([1, 2, 4]);
    expect(bob.device.peerStatus(alice.publicKey)).toMatchObject({ session: 'none', stagedPackets: 1 });

    network.passes = () => true;
    alice.sendPacket(ipv4Packet(ALICE, BOB, 2));
    network.run(seconds(1));
    expect(alice.receivedNumbers).toEqual([1]);
  });

  it('confirms the session with an empty packet when nothing waits to be sent', () => {
    introduce();
    alice.initiate(bob);
    network.run(seconds(1));
    expect(network.sent.at(-1)!.bytes).toHaveLength(32);
    expect(bob.device.peerStatus(alice.publicKey)!.session).toBe('established');
  });

  it('agrees on a session when both ends start at once, and loses nothing', () => {
    introduce();
    alice.sendPacket(ipv4Packet(ALICE, BOB, 1));
    bob.sendPacket(ipv4Packet(BOB, ALICE, 2));
    network.run(milliseconds(200));
    alice.sendPacket(ipv4Packet(ALICE, BOB, 3));
    bob.sendPacket(ipv4Packet(BOB, ALICE, 4));
    network.run(milliseconds(200));
    expect(bob.receivedNumbers).toEqual([1, 3]);
    expect(alice.receivedNumbers).toEqual([2, 4]);
  });

  it('works with a preshared key that both ends hold', () => {
    const presharedKey = Secret.own(network.random(32));
    alice.addPeer(bob, `${BOB}/32`, { path: bob.path, presharedKey });
    bob.addPeer(alice, `${ALICE}/32`, { path: alice.path, presharedKey });
    alice.sendPacket(ipv4Packet(ALICE, BOB, 1));
    network.run(seconds(1));
    expect(bob.receivedNumbers).toEqual([1]);
  });

  it('fails with different preshared keys', () => {
    alice.addPeer(bob, `${BOB}/32`, { path: bob.path, presharedKey: Secret.own(network.random(32)) });
    bob.addPeer(alice, `${ALICE}/32`);
    alice.sendPacket(ipv4Packet(ALICE, BOB, 1));
    network.run(seconds(1));
    expect(alice.device.counters['invalid-handshake']).toBe(1);
    expect(alice.device.peerStatus(bob.publicKey)!.session).toBe('handshaking');
    expect(bob.received).toEqual([]);
  });

  it('does not answer a peer that it does not know', () => {
    alice.addPeer(bob, `${BOB}/32`);
    alice.initiate(bob);
    network.run(seconds(1));
    expect(bob.device.counters['unknown-peer']).toBe(1);
    expect(typesSent()).toEqual([1]);
  });

  it('tries again every five seconds and a little, and gives up after ninety', () => {
    introduce();
    network.passes = () => false;
    alice.sendPacket(ipv4Packet(ALICE, BOB, 1));
    network.run(seconds(200));
    const gaps = network.sent.slice(1).map(({ at }, i) => at - network.sent[i]!.at);
    expect(network.sent.length).toBeGreaterThanOrEqual(17);
    for (const gap of gaps) {
      expect(gap).toBeGreaterThanOrEqual(5000);
      expect(gap).toBeLessThanOrEqual(5334);
    }
    expect(alice.eventsOf('handshake-gave-up')).toMatchObject([{ at: 90_000 }]);
    expect(alice.device.peerStatus(bob.publicKey)).toMatchObject({ session: 'none', stagedPackets: 0 });
    expect(alice.device.pollTimeout()).toBeUndefined();
  });

  it('uses a new ephemeral key, index and timestamp for each attempt', () => {
    introduce();
    network.passes = () => false;
    alice.initiate(bob);
    network.run(seconds(6));
    const [first, second] = network.sent.map(({ bytes }) => bytes);
    expect(second!.subarray(4, 8)).not.toEqual(first!.subarray(4, 8));
    expect(second!.subarray(8, 40)).not.toEqual(first!.subarray(8, 40));
  });

  it('starts only one handshake however often it is asked', () => {
    introduce();
    for (let i = 0; i < 10; i++) alice.initiate(bob);
    for (let i = 0; i < 10; i++) alice.sendPacket(ipv4Packet(ALICE, BOB, i));
    expect(typesSent()).toEqual([1]);
  });

  it('starts none while the last session is fresh', () => {
    introduce();
    alice.initiate(bob);
    network.run(seconds(1));
    alice.initiate(bob);
    network.run(seconds(10));
    expect(typesSent()).toEqual([1, 2, 4]);
    alice.initiate(bob);
    network.run(seconds(1));
    expect(typesSent()).toEqual([1, 2, 4, 1, 2, 4]);
  });

  it('keeps the newest 128 packets while it waits', () => {
    introduce();
    for (let i = 0; i < 130; i++) alice.sendPacket(ipv4Packet(ALICE, BOB, i));
    network.run(seconds(1));
    expect(alice.device.counters['staged-overflow']).toBe(2);
    expect(bob.receivedNumbers).toEqual(Array.from({ length: 128 }, (_, i) => i + 2));
  });

  it('starts as soon as a peer with a persistent keepalive has a path', () => {
    alice.addPeer(bob, `${BOB}/32`, { persistentKeepalive: seconds(25) });
    bob.addPeer(alice, `${ALICE}/32`);
    network.run(seconds(200));
    expect(network.sent).toEqual([]);
    alice.setPath(bob, bob.path);
    network.run(seconds(1));
    expect(typesSent()).toEqual([1, 2, 4]);
  });

  it('waits for a path, says so, and goes on when there is one', () => {
    alice.addPeer(bob, `${BOB}/32`, {});
    bob.addPeer(alice, `${ALICE}/32`);
    alice.sendPacket(ipv4Packet(ALICE, BOB, 1));
    alice.sendPacket(ipv4Packet(ALICE, BOB, 2));
    network.run(seconds(1));
    expect(network.sent).toEqual([]);
    expect(alice.eventsOf('handshake-wanted')).toHaveLength(1);

    alice.setPath(bob, udpPath(bob.endpoint));
    network.run(seconds(1));
    expect(bob.receivedNumbers).toEqual([1, 2]);
  });
});
