// For specs: packets by their parts, with what a filter reads of them and zeros elsewhere.

import { parseIpAddress } from '@shadownet/primitives';

export interface PacketParts {
  readonly from: string;
  readonly to: string;
  readonly protocol: number;
  /** The transport header and what follows. */
  readonly body: readonly number[];
  readonly fragment?: { readonly id: number; readonly offset: number; readonly more: boolean };
  /** IPv6 only: headers before the transport, as [type, bytes behind the two that name the next one and the length]. */
  readonly extensions?: readonly (readonly [type: number, content: readonly number[]])[];
}

export const TCP_SYN = 2;
export const TCP_SYN_ACK = 18;
export const TCP_ACK = 16;
export const TCP_FIN_ACK = 17;
export const TCP_RST = 4;

export function tcp(sourcePort: number, destinationPort: number, flags: number): number[] {
  return [
    ...u16(sourcePort),
    ...u16(destinationPort),
    ...Array<number>(8).fill(0),
    0x50,
    flags,
    ...Array<number>(6).fill(0),
  ];
}

export function udp(sourcePort: number, destinationPort: number, payload = 0): number[] {
  return [...u16(sourcePort), ...u16(destinationPort), ...u16(8 + payload), 0, 0, ...Array<number>(payload).fill(0)];
}

export function icmp(type: number, identifier = 0, quoted: Uint8Array = new Uint8Array(0)): number[] {
  return [type, 0, 0, 0, ...u16(identifier), 0, 0, ...quoted];
}

export function packet(parts: PacketParts): Uint8Array {
  return parts.from.includes(':') ? ipv6(parts) : ipv4(parts);
}

function ipv4({ from, to, protocol, body, fragment }: PacketParts): Uint8Array {
  const flags = fragment ? (fragment.more ? 0x2000 : 0) | (fragment.offset / 8) : 0;
  return Uint8Array.from([
    ...[0x45, 0, ...u16(20 + body.length), ...u16(fragment?.id ?? 0), ...u16(flags), 64, protocol, 0, 0],
    ...parseIpAddress(from)!.bytes,
    ...parseIpAddress(to)!.bytes,
    ...body,
  ]);
}

function ipv6({ from, to, protocol, body, fragment, extensions = [] }: PacketParts): Uint8Array {
  const headers: (readonly [number, readonly number[]])[] = [...extensions];
  if (fragment) {
    const { id, offset, more } = fragment;
    headers.push([44, [...u16(offset | (more ? 1 : 0)), ...u16(id >>> 16), ...u16(id & 0xffff)]]);
  }
  const types = [...headers.map(([type]) => type), protocol];
  const chain = headers.flatMap(([, content], i) => [
    types[i + 1]!,
    Math.ceil((content.length + 2) / 8) - 1,
    ...content,
  ]);
  const payload = [...chain, ...body];
  return Uint8Array.from([
    ...[0x60, 0, 0, 0, ...u16(payload.length), types[0]!, 64],
    ...parseIpAddress(from)!.bytes,
    ...parseIpAddress(to)!.bytes,
    ...payload,
  ]);
}

function u16(value: number): [number, number] {
  return [value >> 8, value & 0xff];
}
