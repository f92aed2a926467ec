// The router that IPv4 packets for the internet go to, and our address towards it.

import {
  type IpAddress,
  ipAddressesEqual,
  ipPrefixContains,
  parseIpAddress,
  parseIpPrefix,
} from '@shadownet/primitives';
import type { Interfaces } from '../runtime/candidate-gatherer.js';
import { readRoutes, type Route } from './route-table.js';

export interface Gateway {
  readonly address: IpAddress;
  /** Of the interface that leads to it. */
  readonly local: IpAddress;
}

export function findGateway(interfaces: Interfaces): Gateway | undefined {
  return gatewayAmong(readRoutes(), interfaces);
}

/** The one with the lowest metric that an address of ours leads to. */
export function gatewayAmong(routes: readonly Route[], interfaces: Interfaces): Gateway | undefined {
  for (const { gateway: address, device } of defaultRoutes(routes)) {
    const local = address && localAddressTowards(address, interfaces[device] ?? []);
    if (address && local) return { address, local };
  }
  return undefined;
}

/** Those to everywhere, the preferred one first. */
export function defaultRoutes(routes: readonly Route[]): Route[] {
  return routes.filter(({ destination }) => destination.length === 0).sort((a, b) => a.metric - b.metric);
}

export function gatewaysEqual(a: Gateway | undefined, b: Gateway | undefined): boolean {
  if (!a || !b) return a === b;
  return ipAddressesEqual(a.address, b.address) && ipAddressesEqual(a.local, b.local);
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
