// Addresses and endpoints as map keys: numbers where they fit, since a simulation looks up millions of them.

import { type Endpoint, formatIpAddress, type IpAddress } from '@shadownet/primitives';

export type Key = number | string;

/** 32 bits of an IPv4 address, the text of an IPv6 address. */
export function addressKey(address: IpAddress): Key {
  if (address.family === 6) return formatIpAddress(address);
  const { bytes } = address;
  return ((bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!) >>> 0;
}

/** 48 bits of an IPv4 endpoint, which a number holds exactly; the text of an IPv6 endpoint. */
export function endpointKey({ address, port }: Endpoint): Key {
  const key = addressKey(address);
  return typeof key === 'number' ? key * 0x10000 + port : `${key} ${port}`;
}
