// Sockets of the kernel for specs of the data plane's network side: they show outer headers and set them, and send bursts that the
// kernel cuts. In the test's own network namespace.
import { execFileSync } from 'node:child_process';
import {
  libc,
  MSG_DONTWAIT,
  openOffloadUdpDescriptor,
  packetCalls,
  processArena,
  ReceiveHeader,
  SendHeader,
} from '@shadownet/native';
import { parseIpAddress } from '@shadownet/primitives';
import { expect, onTestFinished } from 'vitest';

import { checksumOf, fieldSum, sumWords } from './checksum.js';

const BUFFER_BYTES = 65_536;

export interface Socket {
  readonly descriptor: number;
  readonly port: number;
  /** The header of what has come, if anything has. */
  receive(): ReceiveHeader | undefined;
  /** Of the same. */
  bytes(): Uint8Array;
}

export function open(family: 4 | 6): Socket {
  const { descriptor, port } = openOffloadUdpDescriptor({
    family,
    port: 0,
    receiveBufferBytes: 1 << 20,
    sendBufferBytes: 1 << 20,
  });
  const block = processArena().allocate(BUFFER_BYTES);
  const header = new ReceiveHeader(family, block.address, BUFFER_BYTES);
  let length = 0;
  onTestFinished(() => {
    libc().close(descriptor);
    header.release();
    processArena().release(block);
  });
  return {
    descriptor,
    port,
    receive: () => {
      header.reset();
      length = packetCalls().recvmsg(descriptor, header.address, MSG_DONTWAIT);
      if (length < 0) return undefined;
      header.parse();
      return header;
    },
    bytes: () => block.bytes.slice(0, length),
  };
}

export interface SendOptions {
  readonly from?: string;
  readonly bytes?: Uint8Array;
  readonly length?: number;
  readonly segmentSize?: number;
  readonly trafficClass?: number;
}

export function send(by: Socket, to: string, port: number, options: SendOptions = {}): void {
  const { from, bytes, length = bytes?.length ?? 100, segmentSize = length, trafficClass = 0 } = options;
  const block = processArena().allocate(length);
  if (bytes) block.bytes.set(bytes);
  const header = new SendHeader(6);
  header.setDestination(parseIpAddress(to)!.bytes, port);
  header.setSource(from === undefined ? undefined : parseIpAddress(from)!.bytes);
  header.setPayload(block.address, length, segmentSize, trafficClass);
  expect(packetCalls().sendmsg(by.descriptor, header.address, MSG_DONTWAIT)).toBe(length);
  header.release();
  processArena().release(block);
}

/** A UDP datagram of four bytes in an IP packet, with its checksums. */
export function udpPacket(source: string, destination: string, port: number, trafficClass: number): Uint8Array {
  const [from, to] = [parseIpAddress(source)!, parseIpAddress(destination)!];
  const headerLength = from.family === 4 ? 20 : 40;
  const packet = new Uint8Array(headerLength + 12);
  const view = new DataView(packet.buffer);
  if (from.family === 4) {
    packet.set([0x45, trafficClass, 0, packet.length, 0, 0, 0, 0, 64, 17]);
    packet.set(from.bytes, 12);
    packet.set(to.bytes, 16);
    view.setUint16(10, checksumOf(sumWords(view, 0, headerLength)));
  } else {
    view.setUint16(0, 0x6000 | (trafficClass << 4));
    packet.set([0, 12, 17, 64], 4);
    packet.set(from.bytes, 8);
    packet.set(to.bytes, 24);
  }
  view.setUint16(headerLength, 7);
  view.setUint16(headerLength + 2, port);
  view.setUint16(headerLength + 4, 12);
  const addresses = from.family === 4 ? 12 : 8;
  const pseudoHeader = sumWords(view, addresses, headerLength - addresses) + fieldSum(17) + fieldSum(12);
  view.setUint16(headerLength + 6, checksumOf(pseudoHeader + sumWords(view, headerLength, 12)));
  return packet;
}

export function ip(line: string): void {
  execFileSync('ip', line.split(' '), { stdio: 'ignore' });
}
