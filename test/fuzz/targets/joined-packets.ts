// Packets that a genuine peer sends, in one receive, on their way through the joiner to the TUN. Whatever they are: each one
// arrives once and whole, those of one flow in their order, and packets of two peers never in one superpacket.
//
// An input is a list of packets, each behind a byte that says whose it is and whether its checksum is made right, and a 16-bit
// length.
import { SegmentJoiner } from '../../../libs/dataplane/src/segment-joiner.js';
import { SuperpacketCutter } from '../../../libs/dataplane/src/superpacket-cutter.js';
import { parseInnerPacket } from '@shadownet/wireguard';
import type { FuzzTarget } from '../fuzz-target.js';
import { type Family, setChecksum, tcpPacket, udpPacket } from './ip-packets.js';

const VIRTIO_HEADER_LENGTH = 10;
/** Between two sealed packets of a batch: the tag of one and the header of the next. */
const GAP = 32;
const MAX_LENGTH = 6000;
const MAX_PACKETS = 60;
const PUSH = 0x18;
const PROTOCOL_TCP = 6;

interface Placed {
  readonly packet: Uint8Array;
  readonly owner: number;
  readonly at: number;
}

export const joinedPackets: FuzzTarget = {
  name: 'joined-packets',
  inputs: 40_000,
  maxLength: MAX_LENGTH,
  start() {
    const memory = new Uint8Array(MAX_LENGTH + (MAX_PACKETS + 1) * GAP);
    const joiner = new SegmentJoiner<number>(memory, true);
    return {
      examples: () => [exampleOf(4, 'tcp'), exampleOf(6, 'tcp'), exampleOf(4, 'udp'), exampleOf(6, 'udp')],
      feed(input) {
        const placed = place(readPackets(input), memory);
        for (const { at, packet, owner } of placed) joiner.add(at, packet.length, owner);
        const seen: number[] = [];
        for (let i = 0; i < joiner.count; i++) {
          const group = joiner.groups[i]!;
          const members = membersOf(group, placed);
          seen.push(...members);
          if (members.some((member) => placed[member]!.owner !== group.owner))
            throw new Error('two peers in one packet');
          joiner.finish(group);
          requireSamePackets(
            written(memory, group),
            members.map((member) => placed[member]!.packet),
          );
        }
        joiner.clear();
        requireEachOnce(seen, placed.length);
        requireOrder(seen, placed);
      },
    };
  },
};

function readPackets(input: Uint8Array): { packet: Uint8Array; owner: number }[] {
  const packets: { packet: Uint8Array; owner: number }[] = [];
  for (let at = 0; at + 3 < input.length && packets.length < MAX_PACKETS;) {
    const kind = input[at]!;
    const length = (input[at + 1]! << 8) | input[at + 2]!;
    const bytes = input.slice(at + 3, at + 3 + length);
    at += 3 + length;
    const inner = parseInnerPacket(bytes);
    if (!inner) continue;
    const packet = bytes.subarray(0, inner.length);
    if ((kind & 2) === 0) setChecksum(packet);
    packets.push({ packet, owner: kind & 1 });
  }
  return packets;
}

function place(packets: readonly { packet: Uint8Array; owner: number }[], memory: Uint8Array): Placed[] {
  let at = 0;
  return packets.map(({ packet, owner }) => {
    at += GAP;
    const placed = { packet: packet.slice(), owner, at };
    memory.set(packet, at);
    at += packet.length;
    return placed;
  });
}

type Group = SegmentJoiner<number>['groups'][number];

/** The numbers of the packets whose bytes a group consists of. */
function membersOf(group: Group, placed: readonly Placed[]): number[] {
  const places = [group.at, ...group.payloadAt.slice(0, group.payloads)];
  return places.map((place) => placed.findIndex(({ at, packet }) => place >= at && place < at + packet.length));
}

/** What goes to the TUN. */
function written(memory: Uint8Array, group: Group): Uint8Array {
  const parts = [memory.subarray(group.at - VIRTIO_HEADER_LENGTH, group.at + group.length)];
  for (let i = 0; i < group.payloads; i++) {
    const at = group.payloadAt[i]!;
    parts.push(memory.subarray(at, at + group.payloadLength[i]!));
  }
  return Uint8Array.from(Buffer.concat(parts));
}

function requireSamePackets(superpacket: Uint8Array, packets: readonly Uint8Array[]): void {
  const cutter = new SuperpacketCutter(superpacket);
  const count = cutter.begin(0, superpacket.length);
  if (count !== packets.length) throw new Error(`${String(packets.length)} packets became ${String(count)}`);
  for (const packet of packets) {
    cutter.next();
    const again = superpacket.slice(cutter.at, cutter.at + cutter.length);
    const isSame = Buffer.compare(comparable(again, count), comparable(packet, count)) === 0;
    if (!isSame) throw new Error('a packet was changed on its way');
    if (count > 1) requireRightChecksum(again);
  }
}

/**
 * Of joined packets the IPv4 identification and all checksums are made anew, and an urgent pointer that means nothing, for want
 * of URG, is that of the first.
 */
function comparable(packet: Uint8Array, count: number): Uint8Array {
  if (count === 1) return packet;
  const copy = packet.slice();
  const isIpv4 = copy[0]! >> 4 === 4;
  const transport = isIpv4 ? 20 : 40;
  if (isIpv4) {
    copy.fill(0, 4, 6);
    copy.fill(0, 10, 12);
  }
  if (copy[isIpv4 ? 9 : 6] === PROTOCOL_TCP) copy.fill(0, transport + 16, transport + 20);
  else copy.fill(0, transport + 6, transport + 8);
  return copy;
}

function requireRightChecksum(packet: Uint8Array): void {
  const expected = packet.slice();
  setChecksum(expected);
  if (Buffer.compare(expected, packet) !== 0) throw new Error('a joined packet has a wrong checksum');
}

function requireEachOnce(seen: readonly number[], count: number): void {
  const sorted = [...seen].sort((a, b) => a - b);
  if (sorted.length !== count || sorted.some((number, i) => number !== i)) throw new Error('not each packet once');
}

function requireOrder(seen: readonly number[], placed: readonly Placed[]): void {
  const last = new Map<string, number>();
  for (const number of seen) {
    const flow = flowOf(placed[number]!.packet);
    if ((last.get(flow) ?? -1) > number) throw new Error('a flow was reordered');
    last.set(flow, number);
  }
}

/** Addresses, protocol and ports, as far as the packet has them. */
function flowOf(packet: Uint8Array): string {
  const isIpv4 = packet[0]! >> 4 === 4;
  const header = isIpv4 ? 20 : 40;
  const fields = [packet.subarray(isIpv4 ? 12 : 8, header + 4), packet.subarray(isIpv4 ? 9 : 6, isIpv4 ? 10 : 7)];
  return Buffer.concat(fields).toString('hex');
}

/** Packets of a flow that can be joined, and one of another peer between them. */
function exampleOf(family: Family, protocol: 'tcp' | 'udp'): Uint8Array {
  const payload = new Uint8Array(60).fill(9);
  const packets = Array.from({ length: 4 }, (_, i) =>
    protocol === 'udp'
      ? udpPacket(family, payload)
      : tcpPacket(family, { sequence: 0xffff_ff80 + i * 60, payload, ...(i === 3 && { flags: PUSH }) }),
  );
  const records = packets.map((packet, i) => [
    Uint8Array.of(i === 2 ? 1 : 0, packet.length >> 8, packet.length & 0xff),
    packet,
  ]);
  return Uint8Array.from(Buffer.concat(records.flat()));
}
