// A place for one host in each kind of network that libs/testlab knows and the lab can make, out of namespaces. Used by the grid.
import { assertNever } from '@shadownet/primitives';
import { type NatKind } from '@shadownet/testlab';
import { type Lab, type LabHost } from '../lab/lab.js';
import { type NatBehaviour } from '../lab/nat-behaviour.js';
import { type NatRouter } from '../lab/nat-router.js';
import { type NetworkNamespace } from '../lab/network-namespace.js';
import { PortMappingDaemon } from '../lab/port-mapping-daemon.js';

export const SITE_KINDS = [
  'public',
  'full-cone',
  'address-restricted',
  'port-restricted',
  'double-nat',
  'mapping-granted',
  'hard-random',
  'ipv6-only',
  'udp-blocked',
] as const satisfies readonly NatKind[];

export type SiteKind = (typeof SITE_KINDS)[number];

export interface NatSite {
  readonly host: LabHost;
  /** In which the host reaches the control server. */
  readonly family: 4 | 6;
  /** All that was made for it. */
  readonly parts: readonly NetworkNamespace[];
}

export interface SitePlace {
  readonly label: string;
  /** The last part of its outer address, 20 to 250: sites of one lab have different ones. */
  readonly number: number;
}

/** Every address of the segment's IPv6: a site has a /64 of it behind its router. */
export const IPV6_SEGMENT_LENGTH = 48;

const LAN = '192.168.1.1/24';
const INSIDE = '192.168.1.2';
const SEGMENT = '203.0.113';
/** For routers with miniupnpd, which takes the documentation range for a private one. Nothing leaves the lab. */
const FORWARDING_SEGMENT = '45.0.0';

/** What it has made of a site that cannot be completed stays until the lab ends. */
export async function buildNatSite(lab: Lab, kind: SiteKind, place: SitePlace): Promise<NatSite> {
  switch (kind) {
    case 'public':
      return publicSite(lab, place);
    case 'full-cone':
    case 'address-restricted':
      return siteBehind(lab, place, { kind, inside: INSIDE });
    case 'port-restricted':
    case 'udp-blocked':
      return siteBehind(lab, place, { kind });
    case 'hard-random':
      return siteBehind(lab, place, { kind: 'hard' });
    case 'mapping-granted':
      return forwardedSite(lab, place);
    case 'double-nat':
      return doubleNatSite(lab, place);
    case 'ipv6-only':
      return ipv6Site(lab, place);
    default:
      return assertNever(kind);
  }
}

/** Two hosts in the LAN of one usual home router. */
export async function buildSharedLan(lab: Lab, place: SitePlace): Promise<readonly [NatSite, NatSite]> {
  const router = await routerOn(lab, SEGMENT, place, { kind: 'port-restricted' });
  const [a, b] = [
    await lab.addHost(`${place.label}-1`, router, INSIDE),
    await lab.addHost(`${place.label}-2`, router, '192.168.1.3'),
  ];
  return [
    { host: a, family: 4, parts: [a, router] },
    { host: b, family: 4, parts: [b] },
  ];
}

/** Makes the other half of the segment reachable: both are on one link. */
export async function reachForwardingSegment(host: NetworkNamespace, device: string): Promise<void> {
  await host.ip('route', 'add', `${FORWARDING_SEGMENT}.0/24`, 'dev', device);
}

async function publicSite(lab: Lab, { label, number }: SitePlace): Promise<NatSite> {
  const host = await lab.addPublicHost(label, `${SEGMENT}.${String(number)}`);
  await reachForwardingSegment(host, 'eth0');
  return { host, family: 4, parts: [host] };
}

async function siteBehind(lab: Lab, place: SitePlace, behaviour: NatBehaviour): Promise<NatSite> {
  const router = await routerOn(lab, SEGMENT, place, behaviour);
  return siteInLan(lab, place, router, [router]);
}

/** A hard NAT, so that nothing but the mapping makes its host reachable for the likes of it. */
async function forwardedSite(lab: Lab, place: SitePlace): Promise<NatSite> {
  const router = await routerOn(lab, FORWARDING_SEGMENT, place, { kind: 'hard' });
  await PortMappingDaemon.start(router, lab.makeDir(`${place.label}-miniupnpd`));
  return siteInLan(lab, place, router, [router]);
}

/** A home behind a provider's NAT, both port-restricted. */
async function doubleNatSite(lab: Lab, place: SitePlace): Promise<NatSite> {
  const behaviour = { kind: 'port-restricted' } as const;
  const carrier = await lab.addNat(`${place.label}-carrier`, {
    behaviour,
    address: `${SEGMENT}.${String(place.number)}`,
    lan: '100.64.0.1/24',
  });
  await reachForwardingSegment(carrier, 'ext');
  const home = await lab.addNat(`${place.label}-nat`, { behaviour, address: '100.64.0.7', lan: LAN, behind: carrier });
  return siteInLan(lab, place, home, [home, carrier]);
}

/** No IPv4 at all, and a stateful firewall, as home routers are one for IPv6. */
async function ipv6Site(lab: Lab, place: SitePlace): Promise<NatSite> {
  const router = await routerOn(lab, SEGMENT, place, { kind: 'port-restricted' });
  const site = await siteInLan(lab, place, router, [router]);
  const { host } = site;
  await host.ip('-4', 'address', 'flush', 'dev', 'eth0');

  const group = place.number.toString(16);
  const [inner, inside] = [`2001:db8:0:${group}::1`, `2001:db8:0:${group}::2`];
  await addIpv6Address(router, 'ext', `2001:db8::${group}/${String(IPV6_SEGMENT_LENGTH)}`);
  await addIpv6Address(router, 'int', `${inner}/64`);
  await addIpv6Address(host, 'eth0', `${inside}/64`);
  await host.ip('-6', 'route', 'add', 'default', 'via', inner);
  await router.run(['ip6tables', '-w', '10', '-A', 'INPUT', '-i', 'ext', '!', '-p', 'ipv6-icmp', '-j', 'DROP']);
  const unsolicited = ['-i', 'ext', '-m', 'conntrack', '!', '--ctstate', 'ESTABLISHED,RELATED'];
  await router.run(['ip6tables', '-w', '10', '-A', 'FORWARD', ...unsolicited, '-j', 'DROP']);
  await router.setSysctl('ipv6/conf/all/forwarding', '1');
  // The router answers for its host on the segment, so that nobody there needs a route for each site. By default it hesitates.
  await router.setSysctl('ipv6/neigh/ext/proxy_delay', '0');
  await router.setSysctl('ipv6/conf/ext/proxy_ndp', '1');
  await router.ip('-6', 'neighbour', 'add', 'proxy', inside, 'dev', 'ext');
  return { ...site, family: 6 };
}

/** Usable at once, without looking for another one that has it (RFC 4862 §5.4). */
export async function addIpv6Address(host: NetworkNamespace, device: string, address: string): Promise<void> {
  await host.ip('-6', 'address', 'add', address, 'dev', device, 'nodad');
}

async function routerOn(
  lab: Lab,
  segment: string,
  { label, number }: SitePlace,
  behaviour: NatBehaviour,
): Promise<NatRouter> {
  const address = `${segment}.${String(number)}`;
  const router = await lab.addNat(`${label}-nat`, { behaviour, address, lan: LAN });
  const other = segment === SEGMENT ? FORWARDING_SEGMENT : SEGMENT;
  await router.ip('route', 'add', `${other}.0/24`, 'dev', 'ext');
  return router;
}

async function siteInLan(
  lab: Lab,
  { label }: SitePlace,
  router: NatRouter,
  routers: readonly NatRouter[],
): Promise<NatSite> {
  const host = await lab.addHost(label, router, INSIDE);
  return { host, family: 4, parts: [host, ...routers] };
}
