import { instant, ipAddressFromBytes, ipPrefix, parseEndpoint, parseIpAddress, udpPath } from '@shadownet/primitives';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AllowedIps } from '../allowed-ips.js';
import type { SessionIndex } from '../session-index.js';
import { type SessionRef, SessionTable } from '../transport/session-table.js';
import { AllowedIpsTable, buildAllowedIpsTable } from './allowed-ips-table.js';
import { PathTable } from './path-table.js';
import { PeerCells } from './peer-cells.js';
import { ReceiverIndexTable } from './receiver-index-table.js';
import { ReusableNumbers } from './reusable-numbers.js';

describe('the flat allowed IPs', () => {
  it('say of every address what the trie says', () => {
    // Few bits, so that prefixes hold each other and addresses meet them.
    const address = (bytes: number): fc.Arbitrary<Uint8Array> =>
      fc
        .array(fc.constantFrom(0, 1, 0x80, 0xff), { minLength: bytes, maxLength: bytes })
        .map((b) => Uint8Array.from(b));
    const prefix = fc.oneof(
      fc.record({ bytes: address(4), length: fc.nat(32), owner: fc.nat(5) }),
      fc.record({ bytes: address(16), length: fc.nat(128), owner: fc.nat(5) }),
    );
    fc.assert(
      fc.property(
        fc.array(prefix, { maxLength: 40 }),
        fc.array(fc.oneof(address(4), address(16)), { maxLength: 40 }),
        (prefixes, addresses) => {
          const trie = new AllowedIps<number>();
          for (const { bytes, length, owner } of prefixes) {
            trie.insert(ipPrefix({ family: bytes.length === 4 ? 4 : 6, bytes }, length), owner);
          }
          const table = new AllowedIpsTable(buildAllowedIpsTable(trie, (owner) => owner));
          for (const bytes of [...addresses, ...prefixes.map((known) => known.bytes)]) {
            const family = bytes.length === 4 ? 4 : 6;
            const packet = new DataView(Uint8Array.of(9, ...bytes).buffer);
            expect(table.lookup(family, packet, 1)).toBe(trie.lookup(family, bytes, 0) ?? -1);
          }
        },
      ),
    );
  });

  it('know nobody when there is nobody', () => {
    const table = new AllowedIpsTable(buildAllowedIpsTable(new AllowedIps<number>(), (owner) => owner));
    expect(table.lookup(4, new DataView(new ArrayBuffer(4)), 0)).toBe(-1);
    expect(table.lookup(6, new DataView(new ArrayBuffer(16)), 0)).toBe(-1);
  });
});

describe('receiver indices', () => {
  it('lead to their live sessions and to nothing else, whatever came and went before', () => {
    const choice = fc.record({
      index: fc.constantFrom(0, 1, 2, 63, 64, 65, 127, 128, 0xffff_ffff),
      close: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(choice, { maxLength: 60 }), (choices) => {
        const sessions = SessionTable.allocate(16);
        const writer = new ReceiverIndexTable(sessions);
        const reader = new ReceiverIndexTable(SessionTable.attach(sessions.buffer, 'receive'), writer.buffer);
        const open = new Map<number, SessionRef>();
        for (const { index, close } of choices) {
          const known = open.get(index);
          if (close && known) {
            writer.delete(index as SessionIndex, known.slot);
            sessions.retire(known);
            open.delete(index);
          } else if (!close && !known) {
            const session = openSession(sessions, index);
            writer.add(index as SessionIndex, session.slot);
            open.set(index, session);
          }
          for (const asked of [0, 1, 2, 3, 63, 64, 65, 127, 128, 0xffff_ffff]) {
            expect(reader.find(asked)).toEqual(open.get(asked));
          }
        }
      }),
    );
  });

  it('of a session that has ended lead nowhere, even before they are deleted', () => {
    const sessions = SessionTable.allocate(4);
    const table = new ReceiverIndexTable(sessions);
    const session = openSession(sessions, 7);
    table.add(7 as SessionIndex, session.slot);
    sessions.retire(session);
    expect(table.find(7)).toBeUndefined();
  });
});

describe('numbers', () => {
  it('are given out again only after every reader has passed', () => {
    const sessions = SessionTable.allocate(1);
    const reader = sessions.addReader();
    const numbers = new ReusableNumbers(sessions, 2);
    expect([numbers.take(), numbers.take(), numbers.take()]).toEqual([0, 1, undefined]);
    numbers.giveBack(0);
    expect(numbers.take()).toBeUndefined();
    sessions.passEpoch(reader);
    expect(numbers.take()).toBe(0);
  });

  it('stay back when a reader passes an epoch that it had asked for before', () => {
    const sessions = SessionTable.allocate(1);
    const reader = sessions.addReader();
    const numbers = new ReusableNumbers(sessions, 1);
    numbers.take();
    const asked = sessions.epoch;
    numbers.giveBack(0);
    sessions.passEpoch(reader, asked);
    expect(numbers.take()).toBeUndefined();
  });
});

describe('paths and peers', () => {
  it.each([
    ['192.0.2.1:1', '198.51.100.1'],
    ['[2001:db8::1]:65535', '2001:db8::2'],
    ['[fe80::1%7]:65535', 'fe80::2'],
  ])('carry %s and %s from one thread to another', (text, address) => {
    const remote = parseEndpoint(text, Number)!;
    const local = parseIpAddress(address)!;
    const paths = new PathTable({ entries: 3 });
    paths.write(2, udpPath(remote, local));
    const other = new PathTable(paths.buffer);
    expect(other.remote(2)).toEqual(remote);
    expect([other.family(2), other.zone(2)]).toEqual([remote.address.family, remote.zone ?? 0]);
    expect(ipAddressFromBytes(other.addressBytes(2))).toEqual(remote.address);
    expect(ipAddressFromBytes(other.localBytes(2)!)).toEqual(local);
    expect(other.relay(2)).toBeUndefined();
    const relay = { session: { slot: 0, generation: 5 }, channel: 9 };
    paths.write(2, udpPath(remote), relay);
    expect([other.localBytes(2), other.relay(2), other.remote(2)]).toEqual([undefined, relay, remote]);
    paths.write(2, udpPath(remote));
    expect(other.relay(2)).toBeUndefined();
  });

  it('keep the latest observation, and none that is being written', () => {
    const cells = new PeerCells({ peers: 2 });
    expect(cells.observation(1)).toBeUndefined();
    const local = parseIpAddress('2001:db8::2')!;
    cells.observe(1, parseEndpoint('[fe80::1%9]:2', Number)!, local);
    cells.observe(1, parseEndpoint('192.0.2.1:1')!, undefined);
    expect(new PeerCells(cells.buffer).observation(1)).toEqual({
      kind: 'udp',
      path: udpPath(parseEndpoint('192.0.2.1:1')!),
    });
    cells.observe(1, parseEndpoint('[fe80::1%9]:2', Number)!, local);
    const path = udpPath(parseEndpoint('[fe80::1%9]:2', Number)!, local);
    expect(new PeerCells(cells.buffer).observation(1)).toEqual({ kind: 'udp', path });
    const origin = { session: { slot: 7, generation: 3 }, channel: 65_535 };
    cells.observeRelayed(1, origin);
    expect(new PeerCells(cells.buffer).observation(1)).toEqual({ kind: 'relay', origin });
    // The version cell, as a writer leaves it in the middle.
    new Int32Array(cells.buffer)[(64 + 96) / 4 + 2]! += 1;
    expect(cells.observation(1)).toBeUndefined();
    expect(cells.observation(0)).toBeUndefined();
  });

  it('tell when the latest of several workers has sent', () => {
    const cells = new PeerCells({ peers: 2, transmitters: 3 });
    const workers = [0, 1, 2].map((transmitter) => new PeerCells(cells.buffer, transmitter));
    [7, 9, 8].forEach((at, i) => workers[i]!.recordSent(0, instant(at), 100));
    expect([cells.sentAt(0), cells.sentAt(1), cells.peers]).toEqual([9, 0, 2]);
  });

  it('tell the largest datagram of each direction, once', () => {
    const cells = new PeerCells({ peers: 2, transmitters: 2 });
    const [first, second] = [new PeerCells(cells.buffer, 0), new PeerCells(cells.buffer, 1)];
    for (const bytes of [96, 1312, 128]) first.recordSent(1, instant(1), bytes);
    second.recordSent(1, instant(2), 640);
    first.recordReceived(1, instant(3), 256);
    expect([cells.takeLargestSent(0), cells.takeLargestSent(1), cells.takeLargestReceived(1)]).toEqual([0, 1312, 256]);
    expect([cells.takeLargestSent(1), cells.takeLargestReceived(1)]).toEqual([0, 0]);
    second.recordSent(1, instant(4), 64);
    expect(cells.takeLargestSent(1)).toBe(64);
  });

  it('tell once for which peers something was recorded, whichever worker did it', () => {
    const cells = new PeerCells({ peers: 200, transmitters: 2 });
    const [first, second] = [new PeerCells(cells.buffer, 0), new PeerCells(cells.buffer, 1)];
    expect(cells.takeActive()).toEqual([]);
    first.recordSent(31, instant(1), 100);
    second.recordSent(31, instant(1), 100);
    first.recordReceived(0, instant(2), 100);
    second.recordDataReceived(32, instant(2));
    first.recordReceived(199, instant(3), 100);
    expect(cells.takeActive()).toEqual([0, 31, 32, 199]);
    expect(cells.takeActive()).toEqual([]);
    second.recordSent(31, instant(4), 100);
    expect(cells.takeActive()).toEqual([31]);
    expect([cells.peers, cells.sentAt(199), cells.receivedAt(199)]).toEqual([200, 0, 3]);
  });

  it.each([1, 4])('touch only their own peer, with %i workers that send', (transmitters) => {
    const cells = new PeerCells({ peers: 3, transmitters });
    cells.setCurrentSlot(1, 0);
    cells.setPathEntry(1, 0);
    for (let i = 0; i < transmitters; i++) new PeerCells(cells.buffer, i).recordSent(1, instant(1), 100);
    cells.recordReceived(1, instant(2), 100);
    cells.recordDataReceived(1, instant(3));
    cells.observe(1, parseEndpoint('[2001:db8::1]:2')!, parseIpAddress('2001:db8::2'));
    for (const other of [0, 2]) {
      expect([cells.currentSlot(other), cells.pathEntry(other), cells.observation(other)]).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
      expect([cells.sentAt(other), cells.receivedAt(other), cells.dataReceivedAt(other)]).toEqual([0, 0, 0]);
    }
    cells.clear(1);
    expect([cells.currentSlot(1), cells.pathEntry(1), cells.sentAt(1)]).toEqual([undefined, undefined, 0]);
  });
});

function openSession(sessions: SessionTable, index: number): SessionRef {
  return sessions.open({
    state: 'current',
    role: 'initiator',
    localIndex: index as SessionIndex,
    remoteIndex: 1 as SessionIndex,
    peer: 0,
    createdAt: instant(0),
    sendKey: new Uint8Array(32),
    receiveKey: new Uint8Array(32),
  })!;
}
