import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { SegmentJoiner } from './segment-joiner.js';
import { SuperpacketCutter } from './superpacket-cutter.js';
import {
  GSO,
  GSO_ECN,
  IPV4,
  IPV6,
  NEEDS_CHECKSUM,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  TCP,
  TCP_ACK,
  TCP_CWR,
  TCP_FIN,
  TCP_PSH,
  UDP,
  VIRTIO,
  VIRTIO_HEADER_LENGTH,
} from './virtio-header.js';

interface Superpacket {
  readonly family: 4 | 6;
  readonly protocol: 'tcp' | 'udp';
  readonly payload: Uint8Array;
  readonly segmentSize: number;
  readonly flags: number;
  readonly options: Uint8Array;
  readonly identification: number;
  readonly sequence: number;
}

const superpackets: fc.Arbitrary<Superpacket> = fc.record({
  family: fc.constantFrom<4 | 6>(4, 6),
  protocol: fc.constantFrom<'tcp' | 'udp'>('tcp', 'udp'),
  payload: fc.uint8Array({ minLength: 1, maxLength: 4000 }),
  segmentSize: fc.integer({ min: 80, max: 1400 }),
  flags: fc.constantFrom(TCP_ACK, TCP_ACK | TCP_PSH, TCP_ACK | TCP_PSH | TCP_FIN),
  options: fc.nat(3).map((words) => new Uint8Array(words * 4).fill(1)),
  identification: fc.nat(0xffff),
  sequence: fc.nat(0xffff_ffff),
});

describe('cutting', () => {
  it('makes packets that are each whole, right in every checksum, and carry the payload between them', () => {
    fc.assert(
      fc.property(superpackets, (superpacket) => {
        const packets = cut(build(superpacket));
        expect(packets.length).toBe(Math.ceil(superpacket.payload.length / superpacket.segmentSize));
        packets.forEach(expectWhole);
        expect(concat(packets.map((packet) => payloadOf(packet)))).toEqual(superpacket.payload);
      }),
    );
  });

  it('counts identifications and sequence numbers on, also around their ends', () => {
    const packets = cut(
      build({
        ...plain,
        payload: new Uint8Array(3000),
        segmentSize: 1000,
        identification: 0xffff,
        sequence: 0xffff_ff00,
      }),
    );
    expect(packets.map((packet) => fields(packet).getUint16(IPV4.id))).toEqual([0xffff, 0, 1]);
    expect(packets.map((packet) => fields(packet).getUint32(20 + TCP.sequence))).toEqual([0xffff_ff00, 744, 1744]);
  });

  it('keeps FIN and PSH on the last, CWR on the first, and takes no offence at the ECN bit of the type', () => {
    const bytes = build({
      ...plain,
      payload: new Uint8Array(2500),
      segmentSize: 1000,
      flags: TCP_ACK | TCP_PSH | TCP_FIN | TCP_CWR,
    });
    bytes[VIRTIO.gsoType]! |= GSO_ECN;
    const flags = cut(bytes).map((packet) => packet[20 + TCP.flags]);
    expect(flags).toEqual([TCP_ACK | TCP_CWR, TCP_ACK, TCP_ACK | TCP_PSH | TCP_FIN]);
  });

  it('completes the checksum of a packet that needs no cutting', () => {
    for (const protocol of ['tcp', 'udp'] as const) {
      for (const family of [4, 6] as const) {
        const bytes = build({ ...plain, protocol, family, payload: new Uint8Array(101).fill(7) });
        bytes[VIRTIO.gsoType] = GSO.none;
        const [packet] = cut(bytes);
        expectWhole(packet!);
      }
    }
  });

  it('refuses headers that reach beyond the packet, whatever they say', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 0, maxLength: 200 }), fc.constantFrom(0, 1, 4, 5), (bytes, type) => {
        if (bytes.length > 2) bytes[VIRTIO.gsoType] = type;
        const memory = new Uint8Array(512);
        memory.set(bytes);
        const cutter = new SuperpacketCutter(memory);
        const count = bytes.length < VIRTIO_HEADER_LENGTH ? 0 : cutter.begin(0, bytes.length);
        let last = 0;
        for (let i = 0; i < count; i++) {
          cutter.next();
          last = cutter.at + cutter.length;
          expect(cutter.at).toBeGreaterThanOrEqual(VIRTIO_HEADER_LENGTH);
          expect(last).toBeLessThanOrEqual(bytes.length);
        }
        if (count > 0) expect(last).toBe(bytes.length);
        expect(memory.subarray(bytes.length).every((byte) => byte === 0)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('joining', () => {
  it('is the reverse of cutting', () => {
    fc.assert(
      fc.property(superpackets, (superpacket) => {
        const packets = cut(build(superpacket));
        const [written, ...others] = join(packets);
        expect(others).toEqual([]);
        const again = cut(written!);
        expect(again.map((packet) => payloadOf(packet))).toEqual(packets.map((packet) => payloadOf(packet)));
        again.forEach(expectWhole);
        const ignoringId = (packet: Uint8Array): Uint8Array => withoutIdentification(packet, superpacket.family);
        expect(again.map(ignoringId)).toEqual(packets.map(ignoringId));
      }),
    );
  });

  it('never reorders a flow, loses nothing and adds nothing, in any mixture of flows', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(superpackets, fc.nat(2)), { maxLength: 5 }),
        fc.infiniteStream(fc.nat(100)),
        (flows, dice) => {
          const queues = flows.map(([superpacket, port]) => cut(build(superpacket, 1000 + port)));
          const mixed: Uint8Array[] = [];
          while (queues.some((queue) => queue.length > 0)) {
            const left = queues.filter((queue) => queue.length > 0);
            mixed.push(left[dice.next().value! % left.length]!.shift()!);
          }
          const out = join(mixed).flatMap((written) => cut(written));
          const byFlow = (packets: Uint8Array[]): Map<string, Uint8Array[]> => {
            const map = new Map<string, Uint8Array[]>();
            for (const packet of packets)
              map.set(flowOf(packet), [...(map.get(flowOf(packet)) ?? []), payloadOf(packet)]);
            return map;
          };
          expect(byFlow(out)).toEqual(byFlow(mixed));
        },
      ),
    );
  });

  it('lets a segment with a wrong checksum through as it came, on its own', () => {
    const packets = cut(build({ ...plain, payload: new Uint8Array(3000), segmentSize: 1000 }));
    packets[1]![60]! ^= 1;
    const written = join(packets);
    expect(written.map((bytes) => bytes[VIRTIO.gsoType])).toEqual([0, 0, 0]);
    expect(written[1]!.subarray(VIRTIO_HEADER_LENGTH)).toEqual(packets[1]);
  });

  it('ends a superpacket at PSH, at a gap, at another window and at a shorter segment', () => {
    const sizesOf = (packets: Uint8Array[]): number[] => join(packets).map((bytes) => cut(bytes).length);
    const parts = (): Uint8Array[] => cut(build({ ...plain, payload: new Uint8Array(4000), segmentSize: 1000 }));
    expect(sizesOf(parts())).toEqual([4]);

    const pushed = parts();
    changeTcp(pushed[1]!, (tcp) => tcp.setUint8(TCP.flags, TCP_ACK | TCP_PSH));
    expect(sizesOf(pushed)).toEqual([2, 2]);

    const gap = parts();
    gap.splice(2, 1);
    expect(sizesOf(gap)).toEqual([2, 1]);

    const window = parts();
    changeTcp(window[3]!, (tcp) => tcp.setUint16(TCP.window, 99));
    expect(sizesOf(window)).toEqual([3, 1]);

    const short = cut(build({ ...plain, payload: new Uint8Array(2500), segmentSize: 1000 }));
    const next = cut(build({ ...plain, payload: new Uint8Array(2000), segmentSize: 1000, sequence: 2500 }));
    expect(sizesOf([...short, ...next])).toEqual([3, 2]);
  });

  it('joins no segments whose reserved bits differ, which accurate ECN uses', () => {
    const packets = cut(build({ ...plain, payload: new Uint8Array(4000), segmentSize: 1000 }));
    changeTcp(packets[2]!, (tcp) => tcp.setUint8(TCP.dataOffset, 0x51));
    expect(join(packets).map((bytes) => cut(bytes).length)).toEqual([2, 1, 1]);
  });

  it('keeps an empty datagram, and one that is cut off, in their places in the flow', () => {
    for (const payloadLength of [0, -4]) {
      const [first, last] = cut(build({ ...plain, protocol: 'udp', payload: new Uint8Array(2000), segmentSize: 1000 }));
      const short = first!.slice(0, 28 + payloadLength);
      fields(short).setUint16(IPV4.totalLength, short.length);
      if (payloadLength === 0) fields(short).setUint16(20 + UDP.length, UDP.headerLength);
      const lengths = join([first!, short, last!]).map((bytes) => bytes.length - VIRTIO_HEADER_LENGTH);
      expect(lengths).toEqual([first!.length, short.length, last!.length]);
    }
  });

  it('joins nothing of different owners', () => {
    const packets = cut(build({ ...plain, payload: new Uint8Array(2000), segmentSize: 1000 }));
    expect(join(packets, (i) => i)).toHaveLength(2);
  });

  it('leaves UDP alone where the kernel takes no UDP superpackets', () => {
    const packets = cut(build({ ...plain, protocol: 'udp', payload: new Uint8Array(2000), segmentSize: 1000 }));
    expect(join(packets, () => 0, false)).toHaveLength(2);
    expect(join(packets, () => 0, true)).toHaveLength(1);
  });

  it('survives any bytes that call themselves an IP packet', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 40, maxLength: 120 }), { maxLength: 6 }), (packets) => {
        for (const packet of packets) {
          packet[0] = packet[0]! < 128 ? 0x45 : 0x60;
          packet[IPV4.protocol] = PROTOCOL_TCP;
          packet[IPV6.nextHeader] = PROTOCOL_UDP;
        }
        expect(join(packets).map((bytes) => bytes.length)).toEqual(packets.map((packet) => packet.length + 10));
      }),
      { numRuns: 1000 },
    );
  });
});

const plain: Superpacket = {
  family: 4,
  protocol: 'tcp',
  payload: new Uint8Array(100),
  segmentSize: 1000,
  flags: TCP_ACK,
  options: new Uint8Array(0),
  identification: 7,
  sequence: 0,
};

/** As the kernel hands it to a TUN reader: a virtio header, headers, payload, and only the pseudo-header's sum as checksum. */
function build(superpacket: Superpacket, sourcePort = 1000): Uint8Array {
  const { family, protocol, payload, segmentSize, flags, options } = superpacket;
  const isTcp = protocol === 'tcp';
  const ip = family === 4 ? 20 : 40;
  const transport = isTcp ? TCP.headerLength + options.length : UDP.headerLength;
  const total = ip + transport + payload.length;
  const bytes = new Uint8Array(VIRTIO_HEADER_LENGTH + total);
  const header = new DataView(bytes.buffer);
  header.setUint8(VIRTIO.flags, NEEDS_CHECKSUM);
  header.setUint8(VIRTIO.gsoType, isTcp ? (family === 4 ? GSO.tcp4 : GSO.tcp6) : GSO.udp);
  header.setUint16(VIRTIO.headerLength, ip + transport, true);
  header.setUint16(VIRTIO.segmentSize, segmentSize, true);
  header.setUint16(VIRTIO.checksumStart, ip, true);
  header.setUint16(VIRTIO.checksumOffset, isTcp ? TCP.checksum : UDP.checksum, true);
  const packet = new DataView(bytes.buffer, VIRTIO_HEADER_LENGTH);
  const number = isTcp ? PROTOCOL_TCP : PROTOCOL_UDP;
  if (family === 4) {
    packet.setUint8(0, 0x45);
    packet.setUint16(IPV4.totalLength, total);
    packet.setUint16(IPV4.id, superpacket.identification);
    packet.setUint16(IPV4.fragment, 0x4000);
    packet.setUint8(IPV4.ttl, 64);
    packet.setUint8(IPV4.protocol, number);
    packet.setUint32(IPV4.source, 0x0a000001);
    packet.setUint32(IPV4.destination, 0x0a000002);
    packet.setUint16(IPV4.checksum, complement(sum16(bytes.subarray(VIRTIO_HEADER_LENGTH, VIRTIO_HEADER_LENGTH + 20))));
  } else {
    packet.setUint32(0, 0x6000_0000);
    packet.setUint16(IPV6.payloadLength, total - 40);
    packet.setUint8(IPV6.nextHeader, number);
    packet.setUint8(IPV6.hopLimit, 64);
    packet.setUint32(IPV6.source, 0xfd000001);
    packet.setUint32(IPV6.destination, 0xfd000002);
  }
  packet.setUint16(ip, sourcePort);
  packet.setUint16(ip + 2, 443);
  if (isTcp) {
    packet.setUint32(ip + TCP.sequence, superpacket.sequence);
    packet.setUint8(ip + TCP.dataOffset, (transport / 4) << 4);
    packet.setUint8(ip + TCP.flags, flags);
    packet.setUint16(ip + TCP.window, 512);
    bytes.set(options, VIRTIO_HEADER_LENGTH + ip + TCP.headerLength);
  } else packet.setUint16(ip + UDP.length, transport + payload.length);
  const pseudo = pseudoHeader(bytes.subarray(VIRTIO_HEADER_LENGTH), number, transport + payload.length);
  packet.setUint16(ip + (isTcp ? TCP.checksum : UDP.checksum), sum16(pseudo));
  bytes.set(payload, VIRTIO_HEADER_LENGTH + ip + transport);
  return bytes;
}

/** Copies of all packets that a superpacket is cut into. */
function cut(superpacket: Uint8Array): Uint8Array[] {
  const memory = Uint8Array.from(superpacket);
  const cutter = new SuperpacketCutter(memory);
  const count = cutter.begin(0, memory.length);
  return Array.from({ length: count }, () => {
    cutter.next();
    return memory.slice(cutter.at, cutter.at + cutter.length);
  });
}

/** What would be written to the TUN, virtio headers included. */
function join(packets: readonly Uint8Array[], ownerOf: (i: number) => number = () => 0, joinsUdp = true): Uint8Array[] {
  const starts: number[] = [];
  let used = 0;
  for (const packet of packets) {
    starts.push(used + 16);
    used += 16 + packet.length;
  }
  const memory = new Uint8Array(used);
  packets.forEach((packet, i) => memory.set(packet, starts[i]));
  const joiner = new SegmentJoiner<number>(memory, joinsUdp);
  packets.forEach((packet, i) => joiner.add(starts[i]!, packet.length, ownerOf(i)));
  return joiner.groups.slice(0, joiner.count).map((group) => {
    joiner.finish(group);
    const first = memory.slice(group.at - VIRTIO_HEADER_LENGTH, group.at + group.length);
    const places = Array.from({ length: group.payloads }, (_, i) => group.payloadAt[i]!);
    return concat([first, ...places.map((at, i) => memory.slice(at, at + group.payloadLength[i]!))]);
  });
}

/** Lengths and checksums, verified word by word. */
function expectWhole(packet: Uint8Array): void {
  const view = fields(packet);
  const isIpv4 = packet[0]! >> 4 === 4;
  const ip = isIpv4 ? 20 : 40;
  expect(isIpv4 ? view.getUint16(IPV4.totalLength) : 40 + view.getUint16(IPV6.payloadLength)).toBe(packet.length);
  if (isIpv4) expect(sum16(packet.subarray(0, 20))).toBe(0xffff);
  const protocol = isIpv4 ? packet[IPV4.protocol]! : packet[IPV6.nextHeader]!;
  if (protocol === PROTOCOL_UDP) expect(view.getUint16(ip + UDP.length)).toBe(packet.length - ip);
  expect(sum16(concat([pseudoHeader(packet, protocol, packet.length - ip), packet.subarray(ip)]))).toBe(0xffff);
}

function payloadOf(packet: Uint8Array): Uint8Array {
  const ip = packet[0]! >> 4 === 4 ? 20 : 40;
  const isTcp = (ip === 20 ? packet[IPV4.protocol] : packet[IPV6.nextHeader]) === PROTOCOL_TCP;
  return packet.slice(ip + (isTcp ? (packet[ip + TCP.dataOffset]! >> 4) * 4 : UDP.headerLength));
}

function flowOf(packet: Uint8Array): string {
  const ip = packet[0]! >> 4 === 4 ? 20 : 40;
  return `${packet[ip === 20 ? IPV4.protocol : IPV6.nextHeader]} ${ip} ${fields(packet).getUint16(ip)}`;
}

function withoutIdentification(packet: Uint8Array, family: 4 | 6): Uint8Array {
  const copy = packet.slice();
  if (family === 4) {
    fields(copy).setUint16(IPV4.id, 0);
    fields(copy).setUint16(IPV4.checksum, 0);
  }
  return copy;
}

function changeTcp(packet: Uint8Array, change: (tcp: DataView) => void): void {
  const tcp = new DataView(packet.buffer, packet.byteOffset + 20);
  change(tcp);
  tcp.setUint16(TCP.checksum, 0);
  const sum = sum16(concat([pseudoHeader(packet, PROTOCOL_TCP, packet.length - 20), packet.subarray(20)]));
  tcp.setUint16(TCP.checksum, complement(sum));
}

function pseudoHeader(packet: Uint8Array, protocol: number, length: number): Uint8Array {
  const addresses = packet[0]! >> 4 === 4 ? packet.subarray(12, 20) : packet.subarray(8, 40);
  return concat([addresses, Uint8Array.of(0, protocol, length >>> 8, length & 0xff)]);
}

function sum16(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) {
    sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
    if (sum > 0xffff) sum = (sum & 0xffff) + 1;
  }
  return sum;
}

function complement(sum: number): number {
  return ~sum & 0xffff;
}

function fields(packet: Uint8Array): DataView {
  return new DataView(packet.buffer, packet.byteOffset, packet.length);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
