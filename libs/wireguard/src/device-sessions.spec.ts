// Two devices on a simulated network: how sessions are kept, renewed and ended. The numbers are those of the whitepaper §6.

import { nodeCrypto } from '@shadownet/crypto';
import { addDuration, type Duration, milliseconds, minutes, seconds } from '@shadownet/primitives';
import { beforeEach, describe, expect, it } from 'vitest';
import { REJECT_AFTER_MESSAGES, REKEY_AFTER_MESSAGES } from './constants.js';
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

function introduce(persistentKeepalive: Duration = milliseconds(0)): void {
  alice.addPeer(bob, `${BOB}/32`, { path: bob.path, persistentKeepalive });
  bob.addPeer(alice, `${ALICE}/32`);
}

function connect(): void {
  introduce();
  alice.initiate(bob);
  network.run(seconds(1));
  network.sent.length = 0;
}

const fromAlice = (number: number): void => void alice.sendPacket(ipv4Packet(ALICE, BOB, number));
const fromBob = (number: number): void => void bob.sendPacket(ipv4Packet(BOB, ALICE, number));

/** What was sent since the last call: when, by whom, and the message type (0 for a keepalive). */
function takeSent(): string[] {
  const sent = network.sent.map(({ bytes, from, at }) => {
    const type =
      bytes[0] === 4 && bytes.length === 32 ? 'keepalive' : ['', 'initiation', 'response', 'cookie', 'data'][bytes[0]!];
    return `${Math.floor(at / 1000)} ${from.port === 1000 ? 'alice' : 'bob'} ${type}`;
  });
  network.sent.length = 0;
  return sent;
}

const initiations = (): string[] => takeSent().filter((line) => line.endsWith('initiation'));

describe('rekeying', () => {
  it('is done by the initiator when it sends after 120 s', () => {
    connect();
    network.run(seconds(118));
    fromAlice(1);
    expect(initiations()).toEqual([]);
    network.run(seconds(2));
    fromAlice(2);
    expect(initiations()).toEqual(['121 alice initiation']);
  });

  it('is not the business of the responder when it sends', () => {
    connect();
    network.run(seconds(130));
    fromBob(1);
    network.run(seconds(1));
    expect(initiations()).toEqual([]);
    expect(alice.receivedNumbers).toEqual([1]);
  });

  it('loses no packet, in either direction, however long the traffic lasts', () => {
    connect();
    for (let i = 0; i < 8000; i++) {
      fromAlice(i);
      fromBob(i);
      network.run(milliseconds(50));
    }
    network.run(seconds(1));
    const all = Array.from({ length: 8000 }, (_, i) => i);
    expect(bob.receivedNumbers).toEqual(all);
    expect(alice.receivedNumbers).toEqual(all);
    expect(alice.eventsOf('handshake-completed').length).toBeGreaterThanOrEqual(4);
  });

  it('loses no packet when both ends were initiators and renew at the same moment', () => {
    introduce();
    alice.initiate(bob);
    bob.initiate(alice);
    network.run(seconds(1));
    for (let i = 0; i < 5000; i++) {
      fromAlice(i);
      fromBob(i);
      network.run(milliseconds(50));
    }
    network.run(seconds(1));
    const all = Array.from({ length: 5000 }, (_, i) => i);
    expect(bob.receivedNumbers).toEqual(all);
    expect(alice.receivedNumbers).toEqual(all);
  });

  it('goes on through loss, duplicates and disorder, and delivers no packet twice', () => {
    network.loss = 0.2;
    network.duplication = 0.2;
    network.delayVariation = milliseconds(200);
    introduce();
    for (let i = 0; i < 6000; i++) {
      fromAlice(i);
      fromBob(i);
      network.run(milliseconds(100));
    }
    network.run(seconds(1));
    for (const numbers of [alice.receivedNumbers, bob.receivedNumbers]) {
      expect(new Set(numbers).size).toBe(numbers.length);
      expect(numbers.length).toBeGreaterThan(6000 * 0.75);
    }
    expect(alice.device.counters['replayed-counter']).toBeGreaterThan(500);
  });

  it('is done by an initiator that only receives, once, from 165 s on', () => {
    connect();
    network.run(seconds(163));
    fromBob(1);
    network.run(milliseconds(500));
    expect(initiations()).toEqual([]);
    network.run(seconds(2));
    network.passes = ({ bytes }) => bytes[0] !== 1;
    fromBob(2);
    fromBob(3);
    network.run(seconds(1));
    expect(initiations()).toEqual(['166 alice initiation']);
  });

  it('is done by either end after 2^60 messages', () => {
    connect();
    setSendCounters(bob, REKEY_AFTER_MESSAGES - 1n);
    network.run(seconds(6));
    fromBob(1);
    expect(initiations()).toEqual([]);
    fromBob(2);
    expect(initiations()).toEqual(['7 bob initiation']);
    network.run(seconds(1));
    expect(alice.receivedNumbers).toEqual([1, 2]);
  });

  it('is forced when counters end: the packet waits for the new session', () => {
    connect();
    setSendCounters(alice, REJECT_AFTER_MESSAGES);
    network.run(seconds(6));
    fromAlice(1);
    expect(takeSent()).toEqual(['7 alice initiation']);
    network.run(seconds(1));
    expect(bob.receivedNumbers).toEqual([1]);
  });
});

describe('the end of a session', () => {
  it('comes after 180 s: nothing is sent under it any more', () => {
    connect();
    network.passes = () => false;
    network.run(seconds(180));
    fromAlice(1);
    expect(takeSent()).toEqual(['181 alice initiation']);
    expect(alice.eventsOf('session-expired')).toHaveLength(1);
    expect(alice.device.peerStatus(bob.publicKey)!.session).toBe('handshaking');
  });

  it('comes after 180 s: nothing is accepted under it any more', () => {
    connect();
    fromAlice(1);
    const { bytes } = network.sent.at(-1)!;
    network.passes = () => false;
    network.run(seconds(180));
    expect(bob.receive(bytes, alice.path)).toEqual({ ok: false, reason: 'session-expired' });
  });

  it('zeroes all keys after 540 s, on both ends', () => {
    connect();
    const hosts = [alice, bob];
    expect(hosts.map(nonZeroBytes).every((count) => count > 64)).toBe(true);
    network.run(seconds(538));
    expect(hosts.map(nonZeroBytes).every((count) => count > 64)).toBe(true);
    network.run(seconds(2));
    expect(hosts.map(nonZeroBytes)).toEqual([0, 0]);
    expect(alice.device.pollTimeout()).toBeUndefined();
  });

  it('is not delayed by traffic of a peer that has none left', () => {
    connect();
    bob.device.removePeer(alice.publicKey, network.now);
    for (let i = 0; i < 600; i++) {
      fromAlice(i);
      network.run(seconds(1));
    }
    expect(nonZeroBytes(alice)).toBe(0);
  });
});

describe('a machine that slept for an hour', () => {
  it('has zeroed its keys, and gets the next packet through', () => {
    connect();
    fromAlice(1);
    network.run(seconds(1));
    network.now = addDuration(network.now, minutes(60));
    alice.handleTimeout();
    bob.handleTimeout();
    expect([alice, bob].map(nonZeroBytes)).toEqual([0, 0]);
    fromAlice(2);
    network.run(seconds(1));
    expect(bob.receivedNumbers).toEqual([1, 2]);
  });
});

describe('keepalives', () => {
  it('answer data after 10 s of silence, and are not answered themselves', () => {
    connect();
    fromAlice(1);
    network.run(seconds(60));
    expect(takeSent()).toEqual(['1 alice data', '11 bob keepalive']);
  });

  it('are not sent where data goes back anyway', () => {
    connect();
    fromAlice(1);
    network.run(seconds(5));
    fromBob(2);
    network.run(seconds(60));
    expect(takeSent()).toEqual(['1 alice data', '6 bob data', '16 alice keepalive']);
  });

  it('go on while data keeps coming in', () => {
    connect();
    for (let i = 0; i < 35; i++) {
      fromAlice(i);
      network.run(seconds(1));
    }
    expect(takeSent().filter((line) => line.includes('bob'))).toEqual([
      '11 bob keepalive',
      '21 bob keepalive',
      '31 bob keepalive',
    ]);
  });

  it('are sent every so often where that is configured, and bring up a session first', () => {
    introduce(seconds(25));
    network.run(seconds(80));
    expect(takeSent()).toEqual([
      '0 alice initiation',
      '0 bob response',
      '0 alice keepalive',
      '25 alice keepalive',
      '50 alice keepalive',
      '75 alice keepalive',
    ]);
  });

  it('are not put off by being configured again', () => {
    introduce(seconds(25));
    network.run(seconds(20));
    takeSent();
    alice.addPeer(bob, `${BOB}/32`, { path: bob.path, persistentKeepalive: seconds(25) });
    network.run(seconds(10));
    expect(takeSent()).toEqual(['25 alice keepalive']);
  });

  it('are put off by other traffic', () => {
    introduce(seconds(25));
    network.run(seconds(20));
    takeSent();
    fromAlice(1);
    network.run(seconds(24));
    expect(takeSent()).toEqual(['20 alice data', '30 bob keepalive']);
    network.run(seconds(12));
    expect(takeSent()).toEqual(['55 alice keepalive']);
  });
});

describe('silence', () => {
  it('of 15 s after sending data starts a new handshake', () => {
    connect();
    network.passes = ({ from }) => from.port === 1000;
    bob.device.removePeer(alice.publicKey, network.now);
    fromAlice(1);
    network.run(seconds(14.9));
    expect(initiations()).toEqual([]);
    network.run(seconds(0.5));
    expect(initiations()).toEqual(['16 alice initiation']);
  });

  it('is none if anything at all comes back', () => {
    connect();
    for (let i = 0; i < 100; i++) {
      fromAlice(i);
      network.run(seconds(1));
    }
    expect(initiations()).toEqual([]);
  });
});

describe('wake-ups', () => {
  it('name the timer they are for', () => {
    connect();
    expect(alice.device.pollTimeout()!.reason).toBe('session-expiry');
    fromAlice(1);
    expect(alice.device.pollTimeout()!.reason).toBe('no-answer');
    network.run(seconds(1));
    expect(bob.device.pollTimeout()).toEqual({ at: 11_010, reason: 'passive-keepalive' });
  });

  it('do nothing when they come too early', () => {
    connect();
    fromAlice(1);
    const before = alice.device.pollTimeout();
    alice.handleTimeout();
    expect(alice.device.pollTimeout()).toEqual(before);
    expect(takeSent()).toEqual(['1 alice data']);
  });
});

describe('statistics', () => {
  it('count authentic messages over all sessions of a peer', () => {
    connect();
    for (let i = 0; i < 400; i++) {
      fromAlice(i);
      network.run(seconds(1));
    }
    network.run(seconds(600));
    const [a, b] = [alice.device.peerStatus(bob.publicKey)!, bob.device.peerStatus(alice.publicKey)!];
    expect(a.session).toBe('none');
    expect(a.txBytes).toBe(b.rxBytes);
    expect(a.rxBytes).toBe(b.txBytes);
    expect(a.txBytes).toBeGreaterThan(400 * 64);
    expect(b.lastReceivedAt).toBe(a.lastSentAt! + 10);
  });
});

/** Bytes of the slots that are not zero, generations apart, by the layout in session-table.ts. */
function nonZeroBytes(host: SimulatedHost): number {
  const { buffer, slots } = host.device.sessionTable;
  const slotLength = (buffer.byteLength - 128) / slots;
  let count = 0;
  for (let slot = 0; slot < slots; slot++) {
    const bytes = new Uint8Array(buffer, 128 + slot * slotLength + 4, slotLength - 4);
    count += bytes.reduce((sum, byte) => sum + (byte === 0 ? 0 : 1), 0);
  }
  return count;
}

/** Sets the send counter of every session that a host has, by the layout in session-table.ts. */
function setSendCounters(host: SimulatedHost, value: bigint): void {
  const { buffer, slots } = host.device.sessionTable;
  const slotLength = (buffer.byteLength - 128) / slots;
  for (let slot = 0; slot < slots; slot++) {
    const view = new DataView(buffer, 128 + slot * slotLength, slotLength);
    const isInUse = view.getInt32(4, true) !== 0;
    if (isInUse) view.setBigUint64(32, value, true);
  }
}
