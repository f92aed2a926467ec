// What control messages make of datagrams, as sockets of the real kernel see them, in a network namespace of its own.
import { execFileSync } from 'node:child_process';

import { formatIpAddress, parseIpAddress } from '@shadownet/primitives';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';

import { processArena } from './arena.js';
import { libc } from './libc.js';
import { isLinuxSince, mayBeSourceRefusal, ReceiveHeader, SendHeader, type SocketFamily } from './message-header.js';
import { interfaceIndex } from './netdevice.js';
import { enterFreshNetworkNamespace } from './network-namespace.js';
import { openOffloadUdpDescriptor } from './offload-udp-descriptor.js';
import { MSG_DONTWAIT, packetCalls } from './packet-calls.js';

const EINVAL = -22;
const ENETUNREACH = -101;
const BUFFER_BYTES = 65_536;
/** Of ours in the namespace; `other` is the one that routing would not choose. */
const OURS = { 4: { first: '192.0.2.1', other: '198.51.100.1' }, 6: { first: '2001:db8::1', other: '2001:db8:1::1' } };
const NOT_OURS = { 4: '203.0.113.99', 6: '2001:db8:9::99' };

/** The address family of the socket and that of the addresses on it. */
const CASES: readonly (readonly [SocketFamily, 4 | 6])[] = [
  [4, 4],
  [6, 4],
  [6, 6],
];

const leaveNamespace = tryEnterNamespace();
afterAll(() => leaveNamespace?.());

describe('isLinuxSince', () => {
  it.each([
    ['6.14.0', true],
    ['6.18.44-fc-v657', true],
    ['7.0', true],
    ['6.13.9-generic', false],
    ['6.1.0-37-amd64', false],
    ['5.15', false],
    ['unheard of', false],
  ])('knows of %s whether it is 6.14 (%s)', (kernelRelease, expected) => {
    expect(isLinuxSince(6, 14, kernelRelease)).toBe(expected);
  });
});

describe.skipIf(!leaveNamespace)('a message header (needs root, namespaces, ip and IPv6)', () => {
  describe.each(CASES)('of an IPv%i socket with IPv%i addresses', (family, of) => {
    const { first, other } = OURS[of];

    it('sends from the address that it is told, and from what the system chooses without one', () => {
      const [sender, receiver] = [open(family), open(family)];
      for (const source of [other, first, undefined]) {
        send(sender, { to: [first, receiver.port], from: source, length: 100 });
        const header = receiver.receive();
        expect(formatIpAddress(header.source().address)).toBe(source ?? first);
        expect(header.source().port).toBe(sender.port);
      }
    });

    it('tells which address was spoken to, and compares both ends', () => {
      const [sender, receiver] = [open(family), open(family)];
      send(sender, { to: [other, receiver.port], from: first, length: 100 });
      const header = receiver.receive();
      expect(formatIpAddress(header.local()!)).toBe(other);
      expect(header.isTo(bytesOf(other))).toBe(true);
      expect(header.isTo(bytesOf(first))).toBe(false);
      expect(header.isTo(undefined)).toBe(false);
      expect(header.isFrom(bytesOf(first), sender.port, 0)).toBe(true);
      expect(header.isFrom(bytesOf(other), sender.port, 0)).toBe(false);
      expect(header.isFrom(bytesOf(first), sender.port ^ 1, 0)).toBe(false);
      expect(header.isFrom(bytesOf(first), sender.port, 1)).toBe(false);
    });

    it('has another flow when either end is another one, and only then', () => {
      const [sender, second, receiver] = [open(family), open(family), open(family)];
      const flowOf = (by: Socket, to: string, from: string): number => {
        send(by, { to: [to, receiver.port], from, length: 1 });
        return receiver.receive().flow;
      };
      const flows = [
        flowOf(sender, first, first),
        flowOf(sender, first, first),
        flowOf(sender, other, first),
        flowOf(sender, other, other),
        flowOf(sender, other, other),
        flowOf(second, other, other),
      ];
      expect(flows).toEqual([1, 1, 2, 3, 3, 4]);
    });

    it.each([0, 1, 2, 3, 0x88, 0xff])('carries traffic class %i, also with segments and a source', (trafficClass) => {
      const [sender, receiver] = [open(family), open(family)];
      send(sender, { to: [first, receiver.port], from: other, length: 2500, segmentSize: 1000, trafficClass });
      const header = receiver.receive();
      expect([header.trafficClass, header.segmentSize]).toEqual([trafficClass, 1000]);
      expect(header.isFrom(bytesOf(other), sender.port, 0)).toBe(true);
    });

    it.each([
      ['one', 100],
      ['a batch', 1000],
    ])('is refused with an address that is not ours, which is told apart from other errors (%s)', (_, segmentSize) => {
      const [sender, receiver] = [open(family), open(family)];
      const result = trySend(sender, { to: [first, receiver.port], from: NOT_OURS[of], length: 2500, segmentSize });
      expect(result).toBe(of === 4 ? ENETUNREACH : EINVAL);
      expect(mayBeSourceRefusal(result)).toBe(true);
      send(sender, { to: [first, receiver.port], length: 2500, segmentSize: 1000 });
      expect(mayBeSourceRefusal(-11) || mayBeSourceRefusal(-90) || mayBeSourceRefusal(2500)).toBe(false);
    });
  });

  it('names the interface of link-local addresses both ways', () => {
    const [sender, receiver] = [open(6), open(6)];
    const zone = interfaceIndex('zone0')!;
    for (const [zoneOrNone, expected] of [
      [zone, 'sent'],
      [undefined, 'refused'],
    ] as const) {
      const result = trySend(sender, { to: ['fe80::1', receiver.port], zone: zoneOrNone, from: 'fe80::1', length: 10 });
      expect(result).toBe(expected === 'sent' ? 10 : EINVAL);
    }
    const header = receiver.receive();
    expect(header.source()).toEqual({ address: parseIpAddress('fe80::1'), port: sender.port, zone });
    expect(header.isFrom(bytesOf('fe80::1'), sender.port, zone)).toBe(true);
    expect(header.isFrom(bytesOf('fe80::1'), sender.port, 0)).toBe(false);
  });
});

interface Socket {
  readonly descriptor: number;
  readonly port: number;
  readonly header: SendHeader;
  /** The header of what has come, which is there when the sender's call is back. */
  receive(): ReceiveHeader;
}

function open(family: SocketFamily): Socket {
  const { descriptor, port } = openOffloadUdpDescriptor({
    family,
    port: 0,
    receiveBufferBytes: 1 << 20,
    sendBufferBytes: 1 << 20,
  });
  const block = processArena().allocate(BUFFER_BYTES);
  const incoming = new ReceiveHeader(family, block.address, BUFFER_BYTES);
  const header = new SendHeader(family);
  onTestFinished(() => {
    libc().close(descriptor);
    header.release();
    incoming.release();
    processArena().release(block);
  });
  return {
    descriptor,
    port,
    header,
    receive: () => {
      incoming.reset();
      expect(packetCalls().recvmsg(descriptor, incoming.address, MSG_DONTWAIT)).toBeGreaterThan(0);
      incoming.parse();
      return incoming;
    },
  };
}

interface Datagram {
  readonly to: readonly [address: string, port: number];
  readonly zone?: number | undefined;
  readonly from?: string | undefined;
  readonly length: number;
  readonly segmentSize?: number;
  readonly trafficClass?: number;
}

function send(by: Socket, datagram: Datagram): void {
  expect(trySend(by, datagram)).toBe(datagram.length);
}

function trySend(by: Socket, { to, zone, from, length, segmentSize = length, trafficClass = 0 }: Datagram): number {
  const block = processArena().allocate(length);
  by.header.setDestination(bytesOf(to[0]), to[1], zone);
  by.header.setSource(from === undefined ? undefined : bytesOf(from));
  by.header.setPayload(block.address, length, segmentSize, trafficClass);
  const result = packetCalls().sendmsg(by.descriptor, by.header.address, MSG_DONTWAIT);
  processArena().release(block);
  return result;
}

function bytesOf(address: string): Uint8Array {
  return parseIpAddress(address)!.bytes;
}

function tryEnterNamespace(): (() => void) | undefined {
  let leave: (() => void) | undefined;
  try {
    leave = enterFreshNetworkNamespace();
    const ip = (line: string): unknown => execFileSync('ip', line.split(' '), { stdio: 'ignore' });
    for (const { first, other } of Object.values(OURS))
      for (const one of [first, other]) ip(`address add ${one} dev lo`);
    ip('link add zone0 type veth peer name zone1');
    for (const name of ['zone0', 'zone1']) ip(`link set ${name} up`);
    ip('address add fe80::1/64 dev zone0 nodad');
    return leave;
  } catch {
    leave?.();
    return undefined;
  }
}
