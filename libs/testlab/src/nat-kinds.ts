// The networks that hosts are found in, as data, and how one is built in a simulation: every host at the same private address
// where it has one, as in real homes.

import {
  assertNever,
  type Endpoint,
  endpoint,
  type IpAddress,
  ipAddressFromBytes,
  milliseconds,
} from '@shadownet/primitives';
import { Firewall, FirewallBehaviours } from './firewall.js';
import { Nat, type NatBehaviour, NatBehaviours } from './nat.js';
import type { SeededRandom } from './seeded-random.js';
import type { LinkQuality, Segment, SimulatedNetwork } from './simulated-network.js';

/** What is between a host and the internet. */
export type Access =
  | { readonly kind: 'public' }
  /** A public address, and only answers come in. */
  | { readonly kind: 'firewall'; readonly family: 4 | 6 }
  | { readonly kind: 'udp-blocked' }
  /** From the host outwards. */
  | { readonly kind: 'nat'; readonly nats: readonly [NatBehaviour, ...NatBehaviour[]]; readonly grantsMappings?: true }
  /** IPv4 behind a NAT and a global IPv6 address behind a firewall. */
  | { readonly kind: 'dual-stack'; readonly nat: NatBehaviour };

const { fullCone, addressRestricted, portRestricted, symmetric } = NatBehaviours;

/** In the order of the table of expectations. "Hard" is endpoint-dependent mapping (EDM). */
export const NAT_KINDS = {
  public: { kind: 'public' },
  firewalled: { kind: 'firewall', family: 4 },
  'full-cone': { kind: 'nat', nats: [fullCone] },
  'address-restricted': { kind: 'nat', nats: [addressRestricted] },
  'port-restricted': { kind: 'nat', nats: [portRestricted] },
  /** Endpoint-independent, but no port is what it was inside. */
  'port-restricted-random': { kind: 'nat', nats: [{ ...portRestricted, allocation: { kind: 'random' } }] },
  'double-nat': { kind: 'nat', nats: [portRestricted, portRestricted] },
  'dual-stack': { kind: 'dual-stack', nat: portRestricted },
  'mapping-granted': { kind: 'nat', nats: [symmetric], grantsMappings: true },
  'hard-random': { kind: 'nat', nats: [symmetric] },
  'hard-sequential': { kind: 'nat', nats: [{ ...symmetric, allocation: { kind: 'sequential', step: 1 } }] },
  /** One mapping per destination address, and that address may answer from any port. */
  'hard-by-address': {
    kind: 'nat',
    nats: [{ ...symmetric, mapping: 'address-dependent', filtering: 'address-dependent' }],
  },
  /** A port-restricted home behind a provider's hard NAT. */
  'double-hard': { kind: 'nat', nats: [portRestricted, symmetric] },
  'ipv6-only': { kind: 'firewall', family: 6 },
  'udp-blocked': { kind: 'udp-blocked' },
} as const satisfies Record<string, Access>;

export type NatKind = keyof typeof NAT_KINDS;

export const NAT_KIND_NAMES = Object.keys(NAT_KINDS) as NatKind[];

/** A place for a host, connected to the internet. */
export interface Site {
  /** One for each family that the host has. */
  readonly interfaces: readonly { readonly segment: Segment; readonly address: IpAddress }[];
  /** From the host outwards; empty without a NAT. */
  readonly nats: readonly Nat[];
  /** What the router grants for a port of the host, if it does. */
  readonly requestMapping: ((port: number) => Endpoint) | undefined;
}

const LAN_LINK: LinkQuality = { delay: [milliseconds(0.2), milliseconds(1)], loss: 0 };
const HOME_ADDRESS = v4(192, 168, 1, 2);

/** Builds the site with that number, 0…65,535: sites of different numbers have different addresses. */
export function buildSite(
  network: SimulatedNetwork,
  access: Access,
  number: number,
  random: SeededRandom,
  lanLink: LinkQuality = LAN_LINK,
): Site {
  const outer = v4(198, 18 + (number >> 15), (number >> 8) & 0x7f, number & 0xff);
  switch (access.kind) {
    case 'public':
      return site([{ segment: network.internet, address: outer }]);
    case 'firewall': {
      const address = access.family === 4 ? outer : v6(number);
      const firewall = new Firewall([address], FirewallBehaviours.stateful);
      return site([{ segment: network.lan(`site ${number}`, firewall, network.internet, lanLink), address }]);
    }
    case 'udp-blocked': {
      const firewall = new Firewall([outer], FirewallBehaviours.udpBlocked);
      return site([{ segment: network.lan(`site ${number}`, firewall, network.internet, lanLink), address: outer }]);
    }
    case 'nat':
      return behindNats(network, access, number, outer, random, lanLink);
    case 'dual-stack': {
      const nat = new Nat(outer, access.nat, random);
      const firewall = new Firewall([v6(number)], FirewallBehaviours.stateful);
      const segment = network.lan(`site ${number}`, [nat, firewall], network.internet, lanLink);
      const addresses = [HOME_ADDRESS, v6(number)];
      return { ...site(addresses.map((address) => ({ segment, address }))), nats: [nat] };
    }
    default:
      return assertNever(access);
  }
}

function behindNats(
  network: SimulatedNetwork,
  { nats: behaviours, grantsMappings }: Extract<Access, { kind: 'nat' }>,
  number: number,
  outer: IpAddress,
  random: SeededRandom,
  lanLink: LinkQuality,
): Site {
  let segment = network.internet;
  const nats: Nat[] = [];
  for (const [depth, behaviour] of [...behaviours].reverse().entries()) {
    // Behind a provider's NAT the home's outer address is one of RFC 6598.
    const nat = new Nat(depth === 0 ? outer : v4(100, 64 + depth, number >> 8, number & 0xff), behaviour, random);
    segment = network.lan(`site ${number}, ${depth + 1} deep`, nat, segment, lanLink);
    nats.unshift(nat);
  }
  const requestMapping = grantsMappings
    ? (port: number): Endpoint => nats[0]!.mapPort(endpoint(HOME_ADDRESS, port), network.now)
    : undefined;
  return { interfaces: [{ segment, address: HOME_ADDRESS }], nats, requestMapping };
}

function site(interfaces: Site['interfaces']): Site {
  return { interfaces, nats: [], requestMapping: undefined };
}

function v4(...bytes: [number, number, number, number]): IpAddress {
  return ipAddressFromBytes(Uint8Array.from(bytes));
}

/** 2001:db8:0:n::2 */
function v6(number: number): IpAddress {
  const bytes = new Uint8Array(16);
  bytes.set([0x20, 0x01, 0x0d, 0xb8, 0, 0, number >> 8, number & 0xff]);
  bytes[15] = 2;
  return ipAddressFromBytes(bytes);
}
