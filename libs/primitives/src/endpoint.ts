// A UDP endpoint: an address and a port, and for a link-local IPv6 address the link that it is on (RFC 4007).

import { formatIpAddress, type IpAddress, ipAddressesEqual, ipAddressScope, parseIpAddress } from './ip-address.js';

export interface Endpoint {
  readonly address: IpAddress;
  /** 1…65535. */
  readonly port: number;
  /** Of link-local IPv6 addresses: the number that this host has given the interface, 1…2^31 − 1. */
  readonly zone?: number;
}

/** The number of the interface that a zone names on this host, in text: `eth0`, or a number. */
export type ZoneLookup = (zone: string) => number | undefined;

/** Throws RangeError unless `port` is 1…65535. A `zone` of 0 is none. */
export function endpoint(address: IpAddress, port: number, zone = 0): Endpoint {
  if (!Number.isInteger(port) || port < 1 || port > 0xffff) throw new RangeError(`port ${port}`);
  return { address, port, ...(zone !== 0 && { zone }) };
}

/**
 * Reads `1.2.3.4:51820` or `[2001:db8::1]:51820`; `undefined` if it is neither. `[fe80::1%eth0]:51820` is one only where
 * `zoneNumber` knows the interface: another host's zones mean nothing here.
 */
export function parseEndpoint(text: string, zoneNumber?: ZoneLookup): Endpoint | undefined {
  const match = /^(?:\[([^\]%]+)(?:%([^\]]+))?\]|([^:]+)):([1-9]\d{0,4})$/.exec(text);
  if (!match || Number(match[4]) > 0xffff) return undefined;
  const [, inBrackets, zone, plain, port] = match;
  if (inBrackets !== undefined && !inBrackets.includes(':')) return undefined;
  const address = parseIpAddress(inBrackets ?? plain!);
  if (!address) return undefined;
  if (zone === undefined) return endpoint(address, Number(port));
  const number = hasZone(address) ? zoneNumber?.(zone) : undefined;
  return number === undefined || number === 0 ? undefined : endpoint(address, Number(port), number);
}

/** `1.2.3.4:51820`, `[2001:db8::1]:51820` or `[fe80::1%2]:51820`. Equal endpoints have equal texts: it serves as a map key. */
export function formatEndpoint({ address, port, zone }: Endpoint): string {
  const host = formatIpAddress(address);
  if (address.family === 4) return `${host}:${port}`;
  return zone === undefined ? `[${host}]:${port}` : `[${host}%${zone}]:${port}`;
}

export function endpointsEqual(a: Endpoint, b: Endpoint): boolean {
  return a === b || (a.port === b.port && a.zone === b.zone && ipAddressesEqual(a.address, b.address));
}

function hasZone(address: IpAddress): boolean {
  return address.family === 6 && ipAddressScope(address) === 'link-local';
}
