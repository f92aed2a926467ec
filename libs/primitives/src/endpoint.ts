// A UDP endpoint: an address and a port.

import { formatIpAddress, type IpAddress, ipAddressesEqual, parseIpAddress } from './ip-address.js';

export interface Endpoint {
  readonly address: IpAddress;
  /** 1…65535. */
  readonly port: number;
}

/** Throws RangeError unless `port` is 1…65535. */
export function endpoint(address: IpAddress, port: number): Endpoint {
  if (!Number.isInteger(port) || port < 1 || port > 0xffff) throw new RangeError(`port ${port}`);
  return { address, port };
}

/** Reads `1.2.3.4:51820` or `[2001:db8::1]:51820`; `undefined` if it is neither. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):([1-9]\d{0,4})$/.exec(text);
  if (!match || Number(match[3]) > 0xffff) return undefined;
  if (match[1] !== undefined && !match[1].includes(':')) return undefined;
  const address = parseIpAddress(match[1] ?? match[2]!);
  return address && endpoint(address, Number(match[3]));
}

/** `1.2.3.4:51820`, or `[2001:db8::1]:51820`. Equal endpoints have equal texts, so it serves as a map key. */
export function formatEndpoint({ address, port }: Endpoint): string {
  const host = formatIpAddress(address);
  return address.family === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

export function endpointsEqual(a: Endpoint, b: Endpoint): boolean {
  return a.port === b.port && ipAddressesEqual(a.address, b.address);
}
