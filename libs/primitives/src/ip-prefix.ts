// An address range in CIDR notation, host bits cleared.

import { formatIpAddress, type IpAddress, parseIpAddress } from './ip-address.js';

export interface IpPrefix {
  /** The network address; bits behind `length` are zero. */
  readonly address: IpAddress;
  /** 0…32 for IPv4, 0…128 for IPv6. */
  readonly length: number;
}

/** The prefix of `length` bits that holds `address`. Throws RangeError on an impossible length. */
export function ipPrefix(address: IpAddress, length: number): IpPrefix {
  const bits = address.bytes.length * 8;
  if (!Number.isInteger(length) || length < 0 || length > bits)
    throw new RangeError(`prefix length ${length} of ${bits}`);
  const bytes = address.bytes.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, length - 8 * i))));
  return { address: { family: address.family, bytes }, length };
}

/** Reads `address/length`, or an address alone as a single-host prefix; `undefined` if it is neither. */
export function parseIpPrefix(text: string): IpPrefix | undefined {
  const [host, length, ...rest] = text.split('/');
  const address = parseIpAddress(host!);
  if (!address || rest.length > 0) return undefined;
  if (length === undefined) return ipPrefix(address, address.bytes.length * 8);
  if (!/^(0|[1-9]\d{0,2})$/.test(length) || Number(length) > address.bytes.length * 8) return undefined;
  return ipPrefix(address, Number(length));
}

export function formatIpPrefix(prefix: IpPrefix): string {
  return `${formatIpAddress(prefix.address)}/${prefix.length}`;
}

export function ipPrefixContains(prefix: IpPrefix, address: IpAddress): boolean {
  if (prefix.address.family !== address.family) return false;
  return ipPrefix(address, prefix.length).address.bytes.every((byte, i) => byte === prefix.address.bytes[i]);
}
