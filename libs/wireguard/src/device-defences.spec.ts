// Two devices on a simulated network and somebody in between: what is refused, what leaves no trace, and who moves a path.

import { nodeCrypto } from '@shadownet/crypto';
import {
  formatIpPrefix,
  type IpAddress,
  milliseconds,
  parseEndpoint,
  parseIpAddress,
  type Path,
  pathsEqual,
  remoteOf,
  seconds,
  Secret,
  udpPath,
  type UdpPath,
} from '@shadownet/primitives';
import { beforeEach, describe, expect, it } from 'vitest';
import type { PeerStatus } from './device-types.js';
import { computeMac1, mac1Key, mac1Of } from './handshake/mac.js';
import { ipv4Packet, type SimulatedHost, SimulatedNetwork } from './simulated-network.js';

const ALICE = '10.0.0.1';
const BOB = '10.0.0.2';
const ELSEWHERE = udpPath(parseEndpoint('198.51.100.9:9999')!);

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

function connect(): void {
  introduce();
  alice.initiate(bob);
  network.run(seconds(1));
}

const statusOfAlice = (): PeerStatus => bob.device.peerStatus(alice.publicKey)!;
const lastSent = (): Uint8Array => network.sent.at(-1)!.bytes;
const recorded = (type: number): Uint8Array => network.sent.find(({ bytes }) => bytes[0] === type)!.bytes;

describe('replays and forgeries', () => {
  it('deliver nothing, move nothing and change no session', () => {
    connect();
    alice.sendPacket(ipv4Packet(ALICE, BOB, 1));
    network.run(seconds(1));
    const data = lastSent();
    const before = statusOfAlice();
    const timeout = bob.device.pollTimeout();

    expect(bob.receive(data, ELSEWHERE)).toEqual({ ok: false, reason: 'replayed-counter' });
    const forged = Uint8Array.from(data);
    forged[8] = 200;
    expect(bob.receive(forged, ELSEWHERE)).toEqual({ ok: false, reason: 'unauthenticated' });
    forged.set([1, 2, 3, 4], 4);
    expect(bob.receive(forged, ELSEWHERE)).toEqual({ ok: false, reason: 'unknown-index' });
    expect(bob.receive(recorded(1), ELSEWHERE)).toEqual({ ok: false, reason: 'old-timestamp' });
    expect(bob.receive(recorded(2), ELSEWHERE)).toEqual({ ok: false, reason: 'invalid-mac1' });
    expect(alice.receive(recorded(2), ELSEWHERE)).toEqual({ ok: false, reason: 'unknown-index' });

    expect(bob.receivedNumbers).toEqual([1]);
    expect(statusOfAlice()).toEqual(before);
    expect(bob.device.pollTimeout()).toEqual(timeout);
    alice.sendPacket(ipv4Packet(ALICE, BOB, 2));
    network.run(seconds(1));
    expect(bob.receivedNumbers).toEqual([1, 2]);
  });

  it('of handshakes leave a handshake under way intact', () => {
    introduce();
    let response: Uint8Array | undefined;
    network.passes = ({ bytes }) => {
      if (bytes[0] === 2) response ??= bytes;
      return bytes[0] !== 2;
    };
    alice.sendPacket(ipv4Packet(ALICE, BOB, 1));
    network.run(seconds(1));
    for (let position = 0; position < 92; position++) {
      const forged = Uint8Array.from(response!);
      forged[position]! ^= 0x10;
      // mac2 is only looked at under load.
      if (position < 76) expect(alice.receive(forged, bob.path).ok).toBe(false);
    }
    expect(alice.receive(response!, bob.path)).toMatchObject({ ok: true, kind: 'response' });
    network.run(seconds(1));
    expect(bob.receivedNumbers).toEqual([1]);
  });

  it('of initiations are refused for their timestamp, also after the initiator restarted', () => {
    connect();
    const old = recorded(1);
    network.unplug(alice);
    network.run(seconds(10));
    const restarted = network.host({
      endpoint: '192.0.2.1:1000',
      privateKey: alice.privateKey,
      lastReserved: alice.reserved,
    });
    restarted.addPeer(bob, `${BOB}/32`);
    restarted.sendPacket(ipv4Packet(ALICE, BOB, 1));
    network.run(seconds(1));
    expect(bob.receivedNumbers).toEqual([1]);
    expect(bob.receive(old, alice.path)).toEqual({ ok: false, reason: 'old-timestamp' });
  });

  it('fail at a peer that restarted without its sessions, which is then found again', () => {
    connect();
    network.unplug(bob);
    const restarted = network.host({ endpoint: '192.0.2.2:2000', privateKey: bob.privateKey });
    restarted.addPeer(alice, `${ALICE}/32`);
    alice.sendPacket(ipv4Packet(ALICE, BOB, 1));
    network.run(seconds(1));
    expect(restarted.device.counters['unknown-index']).toBe(1);
    network.run(seconds(20));
    alice.sendPacket(ipv4Packet(ALICE, BOB, 2));
    network.run(seconds(1));
    expect(restarted.receivedNumbers).toEqual([2]);
  });
});

describe('inner packets', () => {
  it('from an address that is not the peer’s own are dropped', () => {
    const carol = network.host({ endpoint: '192.0.2.3:3000' });
    connect();
    bob.addPeer(carol, '10.0.0.3/32');
    alice.sendPacket(ipv4Packet('10.0.0.3', BOB, 1));
    alice.sendPacket(ipv4Packet('10.0.0.9', BOB, 2));
    network.run(seconds(1));
    expect(bob.received).toEqual([]);
    expect(bob.device.counters['source-not-allowed']).toBe(2);
  });

  it('that are malformed never leave', () => {
    connect();
    const packet = ipv4Packet(ALICE, BOB, 1);
    expect(alice.sendPacket(packet.subarray(0, 10))).toEqual({ ok: false, reason: 'malformed-packet' });
    expect(alice.sendPacket(new Uint8Array(0))).toEqual({ ok: false, reason: 'malformed-packet' });
    expect(alice.sendPacket(new Uint8Array(70_000))).toEqual({ ok: false, reason: 'packet-too-large' });
  });

  it('for nobody are refused', () => {
    connect();
    expect(alice.sendPacket(ipv4Packet(ALICE, '10.0.0.77'))).toEqual({ ok: false, reason: 'no-peer-for-destination' });
  });

  it('lose their padding, and come out whole at any length', () => {
    connect();
    for (let length = 24; length < 100; length++) alice.sendPacket(ipv4Packet(ALICE, BOB, length, length));
    alice.sendPacket(ipv4Packet(ALICE, BOB, 65_472, 65_472));
    network.run(seconds(1));
    expect(bob.received.map(({ packet }) => packet.length)).toEqual(bob.receivedNumbers);
    expect(bob.received).toHaveLength(77);
    for (const { bytes } of network.sent.slice(3)) expect(bytes.length % 16).toBe(0);
  });
});

describe('handshakes under load', () => {
  it('need a cookie, which the initiator gets and uses for its next attempt', () => {
    network.unplug(bob);
    bob = network.host({ endpoint: '192.0.2.2:2000', handshakesPerSecond: 2 });
    introduce();
    alice.initiate(bob);
    network.run(milliseconds(15));
    const { bytes } = network.sent[0]!;
    // Somebody floods bob with messages that look right up to mac1.
    const flood = (): void => {
      for (let i = 0; i < 10; i++) bob.receive(bytes, ELSEWHERE);
    };
    alice.device.removePeer(bob.publicKey, network.now);
    network.run(seconds(6));
    bob.setPath(alice, undefined);
    flood();
    network.sent.length = 0;
    alice.addPeer(bob, `${BOB}/32`);
    alice.sendPacket(ipv4Packet(ALICE, BOB, 1));
    network.run(milliseconds(100));
    expect(network.sent.map(({ bytes: sent }) => sent[0])).toEqual([1, 3]);
    expect(bob.device.counters['under-load']).toBeGreaterThan(1);
    expect(alice.results.at(-1)).toMatchObject({ ok: true, kind: 'cookie-reply' });

    network.run(seconds(4.85));
    flood();
    network.run(seconds(1));
    expect(bob.receivedNumbers).toEqual([1]);
    const second = network.sent.filter(({ bytes: sent }) => sent[0] === 1)[1]!;
    expect(second.bytes.subarray(132)).not.toEqual(new Uint8Array(16));
  });

  it('are limited for each source, even with a cookie', () => {
    network.unplug(bob);
    bob = network.host({ endpoint: '192.0.2.2:2000', handshakesPerSecond: 1 });
    introduce();
    network.passes = ({ bytes }) => bytes[0] !== 2;
    alice.initiate(bob);
    const initiation = network.sent[0]!.bytes;
    for (let i = 0; i < 3; i++) bob.receive(initiation, ELSEWHERE);
    bob.setPath(alice, undefined);
    bob.receive(initiation, alice.path);
    network.run(seconds(5.4));
    const withCookie = network.sent.filter(({ bytes }) => bytes[0] === 1)[1]!.bytes;
    for (let i = 0; i < 20; i++) bob.receive(withCookie, alice.path);
    const reasons = bob.results.slice(-20).map((result) => (result.ok ? 'ok' : result.reason));
    expect(reasons.slice(0, 5)).toEqual(new Array(5).fill('old-timestamp'));
    expect(reasons.slice(-10)).toEqual(new Array(10).fill('rate-limited'));
  });

  it('of a peer that is where it is known to be are answered without a cookie', () => {
    network.unplug(bob);
    bob = network.host({ endpoint: '192.0.2.2:2000', handshakesPerSecond: 2 });
    introduce();
    putUnderLoad();
    alice.sendPacket(ipv4Packet(ALICE, BOB, 1));
    network.run(seconds(1));
    expect(bob.receivedNumbers).toEqual([1]);
  });

  it('of a peer that nobody has seen yet are answered without a cookie while a flood comes from few sources', () => {
    network.unplug(bob);
    bob = network.host({ endpoint: '192.0.2.2:2000', handshakesPerSecond: 2 });
    alice.addPeer(bob, `${BOB}/32`);
    bob.addPeer(alice, `${ALICE}/32`, {});
    putUnderLoad();
    network.run(milliseconds(600));
    for (let i = 0; i < 50; i++) bob.receive(forgedInitiation(), ELSEWHERE);
    alice.sendPacket(ipv4Packet(ALICE, BOB, 1));
    network.run(seconds(1));
    expect(bob.receivedNumbers).toEqual([1]);
  });

  it('are completed if the device itself began them, wherever the answer comes from', () => {
    network.unplug(bob);
    bob = network.host({ endpoint: '192.0.2.2:2000', handshakesPerSecond: 2 });
    introduce();
    putUnderLoad();
    alice.endpoint = parseEndpoint('203.0.113.5:7777')!;
    bob.setPath(alice, alice.path);
    bob.sendPacket(ipv4Packet(BOB, ALICE, 1));
    bob.setPath(alice, undefined);
    network.run(seconds(1));
    expect(alice.receivedNumbers).toEqual([1]);
  });

  it('are answered with a bounded number of cookies, however many come', () => {
    introduce();
    const forged = forgedInitiation();
    for (let i = 0; i < 5000; i++) {
      bob.receive(forged, udpPath({ address: parseIpAddress(`10.${i >> 8}.${i & 255}.1`)!, port: 1000 }));
    }
    const cookies = network.sent.filter(({ bytes }) => bytes[0] === 3);
    expect(cookies.length).toBeGreaterThan(100);
    expect(cookies.length).toBeLessThanOrEqual(200);
  });

  /** Bob gets more forged initiations than he can work off, all from one place. */
  function putUnderLoad(): void {
    for (let i = 0; i < 20; i++) bob.receive(forgedInitiation(), ELSEWHERE);
    expect(bob.device.counters['under-load']).toBeGreaterThan(10);
    network.sent.length = 0;
  }

  /** With a valid mac1, and nothing else. */
  function forgedInitiation(): Uint8Array {
    const message = new Uint8Array(148).fill(7);
    message.set([1, 0, 0, 0]);
    mac1Of(message).set(computeMac1(nodeCrypto, mac1Key(nodeCrypto, bob.publicKey), message));
    return message;
  }

  it('of one peer are answered at most twenty times a second', () => {
    introduce();
    network.passes = ({ bytes }) => bytes[0] !== 2;
    const initiations: Uint8Array[] = [];
    for (let i = 0; i < 5; i++) {
      const attempt = network.host({
        endpoint: '192.0.2.1:1000',
        privateKey: alice.privateKey,
        lastReserved: 1_900_000_000_000_000_000n + BigInt(i) * 1_000_000_000n,
      });
      attempt.addPeer(bob, `${BOB}/32`);
      network.unplug(attempt);
      attempt.initiate(bob);
      initiations.push(lastSent());
    }
    expect(initiations.map((initiation) => bob.receive(initiation, alice.path))).toMatchObject([
      { ok: true },
      ...new Array(4).fill({ ok: false, reason: 'initiation-flood' }),
    ]);
    network.run(milliseconds(50));
    expect(bob.receive(initiations[4]!, alice.path).ok).toBe(true);
  });
});

describe('the path of a peer', () => {
  it('follows its authentic messages when roaming', () => {
    connect();
    alice.endpoint = parseEndpoint('203.0.113.5:7777')!;
    alice.sendPacket(ipv4Packet(ALICE, BOB, 1));
    network.run(seconds(1));
    expect(pathsEqual(statusOfAlice().path!, alice.path)).toBe(true);
    expect(bob.eventsOf('path-changed')).toHaveLength(1);
    bob.sendPacket(ipv4Packet(BOB, ALICE, 2));
    network.run(seconds(1));
    expect(alice.receivedNumbers).toEqual([2]);
  });

  it('does not follow a message whose inner source is not the peer’s own', () => {
    connect();
    const { path } = statusOfAlice();
    alice.endpoint = parseEndpoint('203.0.113.5:7777')!;
    alice.sendPacket(ipv4Packet('10.0.0.9', BOB, 1));
    network.run(seconds(1));
    expect(bob.device.counters['source-not-allowed']).toBe(1);
    expect(statusOfAlice().path).toEqual(path);
  });

  it('is learned from the first handshake when roaming', () => {
    alice.addPeer(bob, `${BOB}/32`);
    bob.addPeer(alice, `${ALICE}/32`, {});
    bob.sendPacket(ipv4Packet(BOB, ALICE, 1));
    alice.sendPacket(ipv4Packet(ALICE, BOB, 2));
    network.run(seconds(1));
    expect(alice.receivedNumbers).toEqual([1]);
    expect(bob.receivedNumbers).toEqual([2]);
  });

  it('is the owner’s to choose when external: others are reported, and answered to handshakes only', () => {
    network.unplug(bob);
    bob = network.host({ endpoint: '192.0.2.2:2000', endpoints: 'external' });
    introduce();
    bob.setPath(alice, undefined);
    alice.initiate(bob);
    network.run(seconds(1));
    expect(bob.device.peerStatus(alice.publicKey)!.session).toBe('established');
    expect(statusOfAlice().path).toBeUndefined();
    expect(bob.eventsOf('authenticated-from').map(({ path }) => pathsEqual(path, alice.path))).toEqual([true]);

    bob.sendPacket(ipv4Packet(BOB, ALICE, 1));
    network.run(seconds(1));
    expect(alice.received).toEqual([]);
    expect(bob.eventsOf('handshake-wanted')).toHaveLength(1);

    bob.setPath(alice, alice.path);
    network.run(seconds(1));
    expect(alice.receivedNumbers).toEqual([1]);

    alice.endpoint = parseEndpoint('203.0.113.5:7777')!;
    alice.sendPacket(ipv4Packet(ALICE, BOB, 2));
    network.run(seconds(1));
    expect(remoteOf(statusOfAlice().path!)!.port).toBe(1000);
    expect(bob.receivedNumbers).toEqual([2]);
  });

  describe('from the address of ours that the peer speaks to', () => {
    const [first, second] = ['192.0.2.2', '198.51.100.2'].map((text) => parseIpAddress(text)!);
    const speakTo = (local: IpAddress): void => {
      alice.sendPacket(ipv4Packet(ALICE, BOB, 1));
      expect(bob.receive(network.sent.at(-1)!.bytes, { ...alice.path, local } as UdpPath)).toMatchObject({ ok: true });
    };

    it.each(['roaming', 'external'] as const)('follows it without a word (%s)', (endpoints) => {
      network.unplug(bob);
      bob = network.host({ endpoint: '192.0.2.2:2000', endpoints });
      introduce();
      connect();
      const told = bob.events.length;
      for (const local of [first!, second!, first!]) {
        speakTo(local);
        expect(statusOfAlice().path).toEqual({ ...alice.path, local } as UdpPath);
      }
      expect(bob.events).toHaveLength(told);
    });

    it('forgets it when nothing comes back, and when the path is set anew', () => {
      connect();
      speakTo(second!);
      network.passes = () => false;
      bob.sendPacket(ipv4Packet(BOB, ALICE, 2));
      network.run(seconds(14));
      expect(statusOfAlice().path).toMatchObject({ local: second });
      network.run(seconds(2));
      expect(statusOfAlice().path).toEqual(alice.path);
      speakTo(second!);
      expect(statusOfAlice().path).toMatchObject({ local: second });
      bob.setPath(alice, alice.path);
      expect(statusOfAlice().path).toEqual(alice.path);
    });
  });

  it('when it changes in the middle of a handshake gets the same initiation again, which counts once', () => {
    network.unplug(alice);
    alice = network.host({ endpoint: '192.0.2.1:1000', endpoints: 'external' });
    bob.addPeer(alice, `${ALICE}/32`);
    alice.addPeer(bob, `${BOB}/32`, { path: ELSEWHERE });
    alice.sendPacket(ipv4Packet(ALICE, BOB, 1));
    network.run(milliseconds(500));
    alice.setPath(bob, bob.path);
    network.run(milliseconds(100));
    expect(bob.receivedNumbers).toEqual([1]);
    expect(network.sent[1]!.bytes).toEqual(network.sent[0]!.bytes);
  });

  it('that comes after the response still confirms the session', () => {
    network.unplug(alice);
    alice = network.host({ endpoint: '192.0.2.1:1000', endpoints: 'external' });
    introduce();
    alice.initiate(bob);
    alice.setPath(bob, undefined);
    network.run(seconds(1));
    expect(statusOfAlice().session).toBe('none');
    alice.setPath(bob, bob.path);
    network.run(seconds(1));
    expect(statusOfAlice().session).toBe('established');
  });
});

describe('configuration at run time', () => {
  it('removes a peer with all that it had', () => {
    connect();
    const data = (): Uint8Array => {
      alice.sendPacket(ipv4Packet(ALICE, BOB, 1));
      return lastSent();
    };
    const last = data();
    expect(bob.device.removePeer(alice.publicKey, network.now)).toBe(true);
    expect(bob.device.removePeer(alice.publicKey, network.now)).toBe(false);
    expect(bob.receive(last, alice.path)).toEqual({ ok: false, reason: 'unknown-index' });
    expect(bob.sendPacket(ipv4Packet(BOB, ALICE))).toEqual({ ok: false, reason: 'no-peer-for-destination' });
    expect(bob.device.peerStatuses()).toEqual([]);
    expect(bob.device.pollTimeout()).toBeUndefined();
    network.run(seconds(6));
    alice.initiate(bob);
    network.run(seconds(1));
    expect(bob.device.counters['unknown-peer']).toBe(1);
    expect(bob.received).toEqual([]);
  });

  it('keeps sessions when a peer is configured anew', () => {
    connect();
    bob.addPeer(alice, '10.0.0.5/32');
    expect(statusOfAlice().session).toBe('established');
    expect(statusOfAlice().allowedIps.map(formatIpPrefix)).toEqual(['10.0.0.5/32']);
    alice.sendPacket(ipv4Packet(ALICE, BOB, 1));
    alice.sendPacket(ipv4Packet('10.0.0.5', BOB, 2));
    network.run(seconds(1));
    expect(bob.receivedNumbers).toEqual([2]);
  });

  it('shows that a prefix has gone to another peer', () => {
    connect();
    const carol = network.host({ endpoint: '192.0.2.3:3000' });
    bob.addPeer(carol, `${ALICE}/32`);
    expect(statusOfAlice().allowedIps).toEqual([]);
  });

  it('ends all sessions with a new private key, and finds the peers again under it', () => {
    connect();
    const key = network.random(32);
    bob.device.setPrivateKey(key, network.now);
    expect(statusOfAlice().session).toBe('none');
    expect([...new Uint8Array(bob.device.sessionTable.buffer, 128)].filter((byte) => byte > 1)).toEqual([]);

    alice.addPeer(bob, `${BOB}/32`);
    bob.sendPacket(ipv4Packet(BOB, ALICE, 1));
    network.run(seconds(1));
    expect(alice.receivedNumbers).toEqual([1]);
  });

  it('ignores a peer that is the device itself', () => {
    alice.addPeer(alice, `${ALICE}/32`);
    expect(alice.device.peerStatuses()).toEqual([]);
    introduce();
    alice.device.setPrivateKey(bob.privateKey, network.now);
    expect(alice.device.peerStatuses()).toEqual([]);
  });

  it('refuses keys of the wrong length, unknown peers and more peers than there is room for', () => {
    const { device } = network.host({ endpoint: '192.0.2.9:9', maxPeers: 1 });
    const peer = { publicKey: bob.publicKey, allowedIps: [] };
    expect(() => device.setPrivateKey(new Uint8Array(31), network.now)).toThrow(
      expect.objectContaining({ code: 'bad-key-length' }),
    );
    const presharedKey = Secret.own(new Uint8Array(16));
    expect(() => device.upsertPeer({ ...peer, presharedKey }, network.now, alice)).toThrow(
      expect.objectContaining({ code: 'bad-key-length' }),
    );
    expect(() => device.initiateHandshake(bob.publicKey, network.now, alice)).toThrow(
      expect.objectContaining({ code: 'unknown-peer' }),
    );
    device.upsertPeer(peer, network.now, alice);
    expect(() => device.upsertPeer({ ...peer, publicKey: alice.publicKey }, network.now, alice)).toThrow(
      expect.objectContaining({ code: 'too-many-peers' }),
    );
  });

  it('keeps the many peers of a mesh apart, each with its own session', () => {
    network.unplug(bob);
    bob = network.host({ endpoint: '192.0.2.2:2000', maxPeers: 300, handshakesPerSecond: 1000 });
    const others = Array.from({ length: 300 }, (_, i): [SimulatedHost, string] => [
      network.host({ endpoint: `198.51.100.${i % 250}:${3000 + i}`, maxPeers: 1 }),
      `10.1.${i >> 8}.${i & 255}`,
    ]);
    for (const [other, address] of others) {
      other.addPeer(bob, `${BOB}/32`);
      bob.addPeer(other, `${address}/32`, { path: undefined as Path | undefined });
    }
    others.forEach(([other, address], i) => other.sendPacket(ipv4Packet(address, BOB, i)));
    network.run(seconds(1));
    others.forEach(([, address], i) => bob.sendPacket(ipv4Packet(BOB, address, i)));
    network.run(seconds(1));
    expect(bob.receivedNumbers).toHaveLength(300);
    expect(others.map(([other]) => other.receivedNumbers)).toEqual(others.map((_, i) => [i]));
  });
});
