// The router that IPv4 packets for the internet go to, from /proc/net/route, and our address towards it.
//
//     Iface  Destination  Gateway   Flags  RefCnt  Use  Metric  Mask      MTU  Window  IRTT     (numbers in hexadecimal,
//     eth0   00000000     0101A8C0  0003   0       0    100     00000000  0    0       0         addresses as the CPU has them)

import { readFileSync } from 'node:fs';
import { endianness } from 'node:os';
import {
  decodeHex,
  type IpAddress,
  ipAddressesEqual,
  ipAddressFromBytes,
  ipPrefixContains,
  parseIpAddress,
  parseIpPrefix,
} from '@shadownet/primitives';
import type { Interfaces } from '../runtime/candidate-gatherer.js';

export interface Gateway {
  readonly address: IpAddress;
  /** Of the interface that leads to it. */
  readonly local: IpAddress;
}

const ROUTES = '/proc/net/route';
/** RTF_UP and RTF_GATEWAY of linux/route.h. */
const UP_AND_GATEWAY = 0x3;

export function findGateway(interfaces: Interfaces): Gateway | undefined {
  let table: string;
  try {
    table = readFileSync(ROUTES, 'latin1');
  } catch {
    return undefined;
  }
  return gatewayIn(table, interfaces);
}

/** The one with the lowest metric. `table` is what /proc/net/route says. */
export function gatewayIn(table: string, interfaces: Interfaces): Gateway | undefined {
  const defaults = table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, destination, , flags, , , , mask]) => {
      const isGateway = (parseInt(flags ?? '0', 16) & UP_AND_GATEWAY) === UP_AND_GATEWAY;
      return destination === '00000000' && mask === '00000000' && isGateway;
    })
    .sort((a, b) => Number(a[6]) - Number(b[6]));
  for (const [name, , gatewayHex] of defaults) {
    const address = addressOf(gatewayHex ?? '');
    const local = address && localAddressTowards(address, interfaces[name ?? ''] ?? []);
    if (address && local) return { address, local };
  }
  return undefined;
}

export function gatewaysEqual(a: Gateway | undefined, b: Gateway | undefined): boolean {
  if (!a || !b) return a === b;
  return ipAddressesEqual(a.address, b.address) && ipAddressesEqual(a.local, b.local);
}

function addressOf(hex: string): IpAddress | undefined {
  const bytes = decodeHex(hex);
  if (bytes?.length !== 4) return undefined;
  return ipAddressFromBytes(endianness() === 'LE' ? bytes.reverse() : bytes);
}

/** In the gateway's subnet; the first one where the gateway is in none, as on point-to-point links. */
function localAddressTowards(gateway: IpAddress, infos: NonNullable<Interfaces[string]>): IpAddress | undefined {
  const own = infos.filter(({ family }) => family === 'IPv4');
  const inSubnet = own.find(({ address, netmask }) => {
    const prefix = parseIpPrefix(networkOf(address, netmask));
    return prefix && ipPrefixContains(prefix, gateway);
  });
  const chosen = inSubnet ?? own[0];
  return chosen && parseIpAddress(chosen.address);
}

/** 192.168.1.2 and 255.255.255.0 make 192.168.1.0/24. */
function networkOf(address: string, netmask: string): string {
  const mask = netmask.split('.').map(Number);
  const length = mask.reduce((bits, byte) => bits + byte.toString(2).replaceAll('0', '').length, 0);
  return `${address
    .split('.')
    .map((byte, i) => Number(byte) & (mask[i] ?? 0))
    .join('.')}/${length}`;
}
