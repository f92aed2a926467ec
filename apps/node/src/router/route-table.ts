// The IPv4 routes of this host, from /proc/net/route:
//
//     Iface  Destination  Gateway   Flags  RefCnt  Use  Metric  Mask      MTU  Window  IRTT     (numbers in hexadecimal,
//     eth0   00000000     0101A8C0  0003   0       0    100     00000000  0    0       0         addresses as the CPU has them)

import { readFileSync } from 'node:fs';
import { endianness } from 'node:os';
import { decodeHex, type IpAddress, ipAddressFromBytes, type IpPrefix, ipPrefix } from '@shadownet/primitives';

export interface Route {
  readonly device: string;
  readonly destination: IpPrefix;
  /** None: what the route covers is on the link itself. */
  readonly gateway: IpAddress | undefined;
  readonly metric: number;
}

const ROUTES = '/proc/net/route';
/** RTF_UP, RTF_GATEWAY and RTF_REJECT of linux/route.h. */
const UP = 0x1;
const GATEWAY = 0x2;
const REJECT = 0x200;

/** None where the kernel does not say. */
export function readRoutes(): Route[] {
  try {
    return routesIn(readFileSync(ROUTES, 'latin1'));
  } catch {
    return [];
  }
}

/** Those that are up. `table` is what /proc/net/route says; lines that make no sense are left out. */
export function routesIn(table: string): Route[] {
  return table.split('\n').slice(1).flatMap(parseRoute);
}

function parseRoute(line: string): Route[] {
  const [device = '', destinationHex, gatewayHex, flagsHex, , , metric, maskHex] = line.trim().split(/\s+/);
  const flags = parseInt(flagsHex ?? '', 16);
  const destination = addressOf(destinationHex);
  const mask = addressOf(maskHex);
  if (!destination || !mask || (flags & UP) === 0 || (flags & REJECT) !== 0) return [];
  const gateway = (flags & GATEWAY) === 0 ? undefined : addressOf(gatewayHex);
  return [{ device, destination: ipPrefix(destination, onesIn(mask)), gateway, metric: Number(metric) }];
}

function addressOf(hex: string | undefined): IpAddress | undefined {
  const bytes = decodeHex(hex ?? '');
  if (bytes?.length !== 4) return undefined;
  return ipAddressFromBytes(endianness() === 'LE' ? bytes.reverse() : bytes);
}

function onesIn(mask: IpAddress): number {
  return mask.bytes.reduce((ones, byte) => ones + byte.toString(2).replaceAll('0', '').length, 0);
}
