import type { Peer } from '@shadownet/contracts';
import { statefulFilter } from '@shadownet/packetfilter';
import { instant, parseIpAddress } from '@shadownet/primitives';
import type { PacketFilterTable } from '@shadownet/wireguard';
import { describe, expect, it } from 'vitest';
import { PeerFilter } from './peer-filter.js';

const US = parseIpAddress('10.100.0.1')!;
const peer = (changes: Partial<Peer>) => ({ hostname: 'b', ...changes }) as Peer;
const link = (changes: Partial<Peer>, number = 1, incarnation = 1) => ({ peer: peer(changes), number, incarnation });

/** A UDP datagram for us from the peer. */
function passes(table: PacketFilterTable, port: number, number = 1): boolean {
  const bytes = Uint8Array.from([
    0x45,
    0,
    0,
    28,
    0,
    0,
    0,
    0,
    64,
    17,
    0,
    0,
    10,
    100,
    0,
    2,
    ...US.bytes,
    0,
    9,
    0,
    port,
    0,
    8,
    0,
    0,
  ]);
  const verdict = statefulFilter(table).judge('in', number, new DataView(bytes.buffer), 0, bytes.length, instant(1000));
  return verdict === 'accept';
}

describe('the filter of the peers', () => {
  it('has no table as long as everybody may open everything', () => {
    const filter = new PeerFilter();
    expect(filter.update([], [US])).toBeUndefined();
    expect(filter.update([link({}), link({ inbound: ['*'], outbound: ['*'] }, 2)], [US])).toBeUndefined();
  });

  it('has one that says what the map says, and goes with the last restriction', () => {
    const filter = new PeerFilter();
    const { table } = filter.update([link({ inbound: ['udp/53'] }), link({ inbound: [] }, 2, 2)], [US])!;
    expect([passes(table!, 53), passes(table!, 54), passes(table!, 53, 2), passes(table!, 53, 3)]).toEqual([
      ...[true, false, false, false],
    ]);
    expect(filter.update([link({})], [US])).toEqual({ table: undefined });
  });

  it('makes another only if something is different', () => {
    const filter = new PeerFilter();
    const first = filter.update([link({ inbound: ['udp/53'] })], [US])!;
    expect(filter.update([link({ inbound: ['udp/53'], hostname: 'c' })], [US])).toBeUndefined();
    const second = filter.update([link({ inbound: ['udp/53'] }, 1, 2)], [US])!;
    expect(second.table!.rules).not.toBe(first.table!.rules);
    expect(second.table!.flows).toBe(first.table!.flows);
    expect(filter.update([link({ inbound: ['udp/53'] }, 1, 2)], [])).toBeDefined();
  });

  it('does not allow what it cannot read', () => {
    const { table } = new PeerFilter().update([link({ inbound: ['udp/53', 'quic/54'] })], [US])!;
    expect([passes(table!, 53), passes(table!, 54)]).toEqual([true, false]);
  });
});
