import { nodeCrypto } from '@shadownet/crypto';
import { milliseconds } from '@shadownet/primitives';
import { beforeEach, describe, expect, it } from 'vitest';
import type { PacketFilter, PacketFilterFactory, PacketFilterTable } from './packet-filter.js';
import { ipv4Packet, type SimulatedHost, SimulatedNetwork } from './simulated-network.js';

/** Denies packets that end with a byte of the table, one for each direction; those shorter than 24 bytes show it no end. */
const byLastByte: PacketFilterFactory = (table): PacketFilter => {
  const denied = new Uint8Array(table.rules);
  return {
    judge(direction, _peer, packet, offset, length) {
      if (length < 24) return 'filter-unreadable';
      return packet.getUint8(offset + length - 1) === denied[direction === 'out' ? 0 : 1] ? 'filter-denied' : 'accept';
    },
  };
};

function tableOf(out: number, into: number): PacketFilterTable {
  const rules = new SharedArrayBuffer(2);
  new Uint8Array(rules).set([out, into]);
  return { rules, flows: new SharedArrayBuffer(0) };
}

let network: SimulatedNetwork;
let alice: SimulatedHost;
let bob: SimulatedHost;
beforeEach(() => {
  network = new SimulatedNetwork(nodeCrypto);
  alice = network.host({ endpoint: '192.0.2.1:1000' });
  bob = network.host({ endpoint: '192.0.2.2:2000', packetFilter: byLastByte });
  alice.addPeer(bob, '10.0.0.2/32');
  bob.addPeer(alice, '10.0.0.1/32');
});

const toBob = (number: number): Uint8Array => ipv4Packet('10.0.0.1', '10.0.0.2', number);
const toAlice = (number: number): Uint8Array => ipv4Packet('10.0.0.2', '10.0.0.1', number);

function receivedBy(host: SimulatedHost): number[] {
  network.run(milliseconds(100));
  return host.receivedNumbers;
}

describe('a packet filter in the core', () => {
  it('keeps what it denies from the host, and tells why', () => {
    bob.device.setFilterTable(tableOf(1, 2));
    for (const number of [1, 2, 3]) alice.sendPacket(toBob(number));
    expect(receivedBy(bob)).toEqual([1, 3]);
    expect(bob.device.counters).toMatchObject({ 'filter-denied': 1, 'filter-unreadable': 0 });
  });

  it('keeps what it denies from the network', () => {
    bob.device.setFilterTable(tableOf(1, 2));
    expect([1, 2].map((number) => bob.sendPacket(toAlice(number)))).toEqual([
      { ok: false, reason: 'filter-denied' },
      { ok: true },
    ]);
    expect(receivedBy(alice)).toEqual([2]);
  });

  it('lets nothing through that it cannot read', () => {
    bob.device.setFilterTable(tableOf(1, 2));
    expect(bob.sendPacket(ipv4Packet('10.0.0.2', '10.0.0.1', 0, 20))).toEqual({
      ok: false,
      reason: 'filter-unreadable',
    });
  });

  it('judges by the table that was set last, and not at all without one', () => {
    bob.device.setFilterTable(tableOf(1, 2));
    bob.device.setFilterTable(tableOf(2, 1));
    expect(bob.sendPacket(toAlice(1))).toEqual({ ok: true });
    expect(bob.sendPacket(toAlice(2))).toMatchObject({ ok: false });
    bob.device.setFilterTable(undefined);
    expect(bob.sendPacket(toAlice(2))).toEqual({ ok: true });
  });

  it('is told to workers once for each change', () => {
    expect(bob.device.takeFilterTable()).toBeUndefined();
    const table = tableOf(1, 2);
    bob.device.setFilterTable(table);
    expect([bob.device.takeFilterTable(), bob.device.takeFilterTable()]).toEqual([{ table }, undefined]);
    bob.device.setFilterTable(undefined);
    expect(bob.device.takeFilterTable()).toEqual({ table: undefined });
  });

  it('must be known to whoever is given a table for it', () => {
    expect(() => alice.device.setFilterTable(tableOf(1, 2))).toThrow('without a packet filter');
  });
});
