// What the doctor finds in this host's interfaces and routes: links too small for the tunnel, other VPNs in its way, and networks that
// the mesh's addresses collide with.

import { readFileSync } from 'node:fs';
import { formatIpPrefix, type IpPrefix, ipPrefixContains } from '@shadownet/primitives';
import { defaultRoutes } from '../router/default-gateway.js';
import type { Route } from '../router/route-table.js';
import { type InterfaceKind, interfaceKind } from '../runtime/candidate-gatherer.js';
import { type Finding, notTested, ok, problem, warning } from './finding.js';

/** 1,280 bytes of the tunnel, and around them WireGuard (32), UDP (8) and IPv6 (40). */
const SMALLEST_UNDERLAY_MTU = 1360;

export interface RouteQuestion {
  readonly routes: readonly Route[];
  /** The mesh's own; its routes are no conflict. */
  readonly interfaceName: string;
}

export function checkUnderlayMtu({ routes }: RouteQuestion, mtuOf = readMtu): Finding {
  const [route] = defaultRoutes(routes);
  if (!route) return notTested('underlay-mtu', 'this host has no default route for IPv4');
  const mtu = mtuOf(route.device);
  if (mtu === undefined) return notTested('underlay-mtu', `${route.device} does not tell its MTU`);
  if (mtu >= SMALLEST_UNDERLAY_MTU) return ok('underlay-mtu', `${route.device} carries ${mtu} bytes`);
  return problem(
    'underlay-mtu',
    `${route.device} carries ${mtu} bytes; full packets of the tunnel need up to ${SMALLEST_UNDERLAY_MTU}`,
    `ip link set ${route.device} mtu 1500, if the link carries that`,
  );
}

/** Paths through another tunnel work, but neither are they short, nor do they survive its end. */
export function checkOtherVpn(
  { routes, interfaceName }: RouteQuestion,
  kindOf: (name: string) => InterfaceKind = interfaceKind,
): Finding {
  const everywhere = routes.filter(({ destination }) => destination.length <= 1);
  const taken = everywhere.find(({ device }) => device !== interfaceName && kindOf(device) === 'tunnel');
  if (!taken) return ok('other-vpn', 'no other tunnel has the default route');
  return warning(
    'other-vpn',
    `another VPN has the default route (${formatIpPrefix(taken.destination)} goes to ${taken.device}): all paths lead through it`,
    `leave the UDP of the node out of ${taken.device}, or end that VPN`,
  );
}

export function checkAddressConflict({ routes, interfaceName }: RouteQuestion, network: IpPrefix | undefined): Finding {
  if (!network) return notTested('address-conflict', "the mesh's network is not known without its control server");
  const name = formatIpPrefix(network);
  const conflicting = routes.filter(
    ({ device, destination }) => device !== interfaceName && destination.length > 1 && overlap(destination, network),
  );
  if (conflicting.length === 0) return ok('address-conflict', `no other network of this host lies in ${name}`);
  const shown = conflicting.map(({ destination, device }) => `${formatIpPrefix(destination)} on ${device}`).join(', ');
  const fix = `start the control server with a --network that none of its hosts uses, or renumber ${conflicting[0]!.device}`;
  const contains = conflicting.some(({ destination }) => destination.length >= network.length);
  // A route that is wider than ours loses against it; one that is narrower takes its addresses away from the mesh.
  return contains
    ? problem('address-conflict', `addresses of the mesh (${name}) are routed elsewhere: ${shown}`, fix)
    : warning('address-conflict', `the mesh (${name}) hides a part of other networks: ${shown}`, fix);
}

function overlap(a: IpPrefix, b: IpPrefix): boolean {
  return ipPrefixContains(a, b.address) || ipPrefixContains(b, a.address);
}

function readMtu(device: string): number | undefined {
  try {
    return Number(readFileSync(`/sys/class/net/${device}/mtu`, 'latin1'));
  } catch {
    return undefined;
  }
}
