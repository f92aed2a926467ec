// IPv4 and IPv6 addresses as values: validated once, compared by bytes, printed canonically (RFC 5952).

import { bytesEqual } from './bytes.js';

export interface IpAddress {
  readonly family: 4 | 6;
  /** 4 or 16 bytes, network order. Not to be changed. */
  readonly bytes: Uint8Array;
}

/** What an address can be used for, as far as its range tells. */
export type IpAddressScope =
  'global' | 'private' | 'shared' | 'link-local' | 'loopback' | 'multicast' | 'unspecified' | 'reserved';

const V4_MAPPED_PREFIX = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** The address of 4 or 16 bytes (copied). An IPv4-mapped IPv6 address (::ffff:a.b.c.d) becomes the IPv4 address. */
export function ipAddressFromBytes(bytes: Uint8Array): IpAddress {
  if (bytes.length === 4) return { family: 4, bytes: new Uint8Array(bytes) };
  if (bytes.length !== 16) throw new RangeError(`an IP address has 4 or 16 bytes, not ${bytes.length}`);
  if (V4_MAPPED_PREFIX.every((byte, i) => bytes[i] === byte)) return { family: 4, bytes: bytes.slice(12) };
  return { family: 6, bytes: new Uint8Array(bytes) };
}

/** Reads dotted-quad IPv4 (no leading zeros) or RFC 4291 IPv6 text (no zone); `undefined` if it is neither. */
export function parseIpAddress(text: string): IpAddress | undefined {
  const bytes = text.includes(':') ? parseV6(text) : parseV4(text);
  return bytes && ipAddressFromBytes(bytes);
}

/** Dotted-quad IPv4, or the canonical IPv6 text of RFC 5952. */
export function formatIpAddress(address: IpAddress): string {
  const { bytes } = address;
  if (address.family === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[2 * i]! << 8) | bytes[2 * i + 1]!);
  const zeros = longestZeroRun(groups);
  const text = (part: number[]): string => part.map((group) => group.toString(16)).join(':');
  if (zeros.length < 2) return text(groups);
  return `${text(groups.slice(0, zeros.start))}::${text(groups.slice(zeros.start + zeros.length))}`;
}

export function ipAddressesEqual(a: IpAddress, b: IpAddress): boolean {
  return a === b || (a.family === b.family && bytesEqual(a.bytes, b.bytes));
}

/**
 * The scope by RFC 6890's registries: 'shared' is carrier-grade NAT space (RFC 6598), 'private' RFC 1918 and RFC 4193.
 * Documentation and benchmarking ranges count as global, since laboratories take them for the public Internet.
 */
export function ipAddressScope(address: IpAddress): IpAddressScope {
  const { bytes } = address;
  const a = bytes[0]!;
  const b = bytes[1]!;
  if (address.family === 6) {
    if (bytes.subarray(0, 15).every((byte) => byte === 0)) {
      return bytes[15] === 0 ? 'unspecified' : bytes[15] === 1 ? 'loopback' : 'reserved';
    }
    if (a === 0xff) return 'multicast';
    if (a === 0xfe && (b & 0xc0) === 0x80) return 'link-local';
    if ((a & 0xfe) === 0xfc) return 'private';
    return (a & 0xe0) === 0x20 ? 'global' : 'reserved';
  }
  if (a === 0) return b === 0 && bytes[2] === 0 && bytes[3] === 0 ? 'unspecified' : 'reserved';
  if (a === 127) return 'loopback';
  if (a === 10 || (a === 172 && (b & 0xf0) === 16) || (a === 192 && b === 168)) return 'private';
  if (a === 100 && (b & 0xc0) === 64) return 'shared';
  if (a === 169 && b === 254) return 'link-local';
  if (a >= 224 && a < 240) return 'multicast';
  return a >= 240 ? 'reserved' : 'global';
}

function parseV4(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return undefined;
  return Uint8Array.from(parts, Number);
}

function parseV6(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half, i) => parseGroups(half, i === halves.length - 1));
  if (!head || (halves.length === 2 && !tail)) return undefined;
  const filled = head.length + (tail?.length ?? 0);
  if (halves.length === 1 ? filled !== 16 : filled > 14) return undefined;
  const bytes = new Uint8Array(16);
  bytes.set(head);
  if (tail) bytes.set(tail, 16 - tail.length);
  return bytes;
}

/** The bytes of colon-separated groups; the last one may be dotted-quad IPv4. */
function parseGroups(text: string, mayEndInV4: boolean): number[] | undefined {
  if (text === '') return [];
  const bytes: number[] = [];
  const groups = text.split(':');
  for (const [i, group] of groups.entries()) {
    if (mayEndInV4 && i === groups.length - 1 && group.includes('.')) {
      const v4 = parseV4(group);
      if (!v4) return undefined;
      bytes.push(...v4);
    } else if (/^[0-9a-f]{1,4}$/i.test(group)) {
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    } else return undefined;
  }
  return bytes;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}
