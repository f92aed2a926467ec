// What `netcheck` finds in a network of a given kind: the sum of its NATs, as a measurement from inside sees them.

import type { HostNetwork, NatReport } from '@shadownet/paths';
import { assertNever, endpoint, parseIpAddress } from '@shadownet/primitives';
import type { NatBehaviour, NatDependence } from './nat.js';
import type { Access } from './nat-kinds.js';

const OUTSIDE = endpoint(parseIpAddress('203.0.113.9')!, 51820);

const FROM_LOOSE_TO_STRICT: readonly NatDependence[] = [
  'endpoint-independent',
  'address-dependent',
  'address-and-port-dependent',
];

export function hostNetworkOf(access: Access): HostNetwork {
  switch (access.kind) {
    case 'public':
      return { ipv4: withoutNat('endpoint-independent'), ipv6: undefined, grantsMappings: false };
    case 'firewall': {
      const report = withoutNat('address-and-port-dependent');
      const [ipv4, ipv6] = access.family === 4 ? [report, undefined] : [undefined, report];
      return { ipv4, ipv6, grantsMappings: false };
    }
    case 'udp-blocked':
      return { ipv4: { kind: 'udp-blocked' }, ipv6: undefined, grantsMappings: false };
    case 'nat':
      return { ipv4: behind(access.nats), ipv6: undefined, grantsMappings: access.grantsMappings ?? false };
    case 'dual-stack':
      return { ipv4: behind([access.nat]), ipv6: withoutNat('address-and-port-dependent'), grantsMappings: false };
    default:
      return assertNever(access);
  }
}

function withoutNat(filtering: NatDependence): NatReport {
  const finding = { dependence: filtering, addressDependence: 'tested' } as const;
  return { kind: 'no-nat', endpoint: OUTSIDE, filtering: finding, lifetime: 'not-tested' };
}

/** In a row of NATs the strictest mapping and the strictest filter decide. */
function behind(nats: readonly NatBehaviour[]): NatReport {
  const strictest = (of: (nat: NatBehaviour) => NatDependence) => {
    const ranks = nats.map((nat) => FROM_LOOSE_TO_STRICT.indexOf(of(nat)));
    return { dependence: FROM_LOOSE_TO_STRICT[Math.max(...ranks)]!, addressDependence: 'tested' } as const;
  };
  const hard = nats.find(({ mapping }) => mapping !== 'endpoint-independent');
  const { allocation } = hard ?? nats[0]!;
  return {
    kind: 'nat',
    endpoint: OUTSIDE,
    mapping: strictest(({ mapping }) => mapping),
    filtering: strictest(({ filtering }) => filtering),
    portPreservation: allocation.kind === 'preserving' ? 'yes' : 'no',
    allocation,
    pooling: 'paired',
    hairpin: 'not-tested',
    lifetime: 'not-tested',
  };
}
