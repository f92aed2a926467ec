// How two hosts will connect, predicted from what `netcheck` found of their networks: the rules of docs/nat-traversal.md. Pure;
// used by `what-if` and by the explanation of a path.

import { assertNever } from '@shadownet/primitives';
import type { NatFinding, NatReport, PortAllocation } from './nat/nat-report.js';

export interface HostNetwork {
  /** `undefined` where the host has no address of that family; 'not-tested' where no server was there to ask. */
  readonly ipv4: NatReport | 'not-tested' | undefined;
  readonly ipv6: NatReport | 'not-tested' | undefined;
  /** Whether its router forwards a port on request (UPnP-IGD, NAT-PMP, PCP). */
  readonly grantsMappings: boolean;
}

export type ConnectionMeans =
  /** Both know beforehand where the other one sends from. */
  | 'punch'
  /** One side's first probe shows where it sends from, and is let in. */
  | 'peer-reflexive'
  /** The next ports of a sequential allocator are tried. */
  | 'predict'
  /** Many sockets against many ports. */
  | 'birthday'
  | 'relay'
  /** What decides it was not measured. */
  | 'unknown';

export interface ConnectionPrediction {
  readonly means: ConnectionMeans;
  /** Of the addresses used; absent with a relay. */
  readonly family?: 4 | 6;
  /** One sentence. */
  readonly reason: string;
  /** What would make it direct, if it is not surely so; may be empty. */
  readonly remedies: readonly string[];
}

/** One end in one family, reduced to what decides. */
type End =
  | { readonly kind: 'absent' }
  | { readonly kind: 'blocked' }
  | { readonly kind: 'unknown' }
  | {
      readonly kind: 'mapped';
      readonly isHard: boolean;
      /** Whether it lets in an endpoint that it has not sent to, if it has sent to its address or if that is not even needed. */
      readonly admits: 'anybody' | 'known-address' | 'exact-endpoint';
      readonly allocation: PortAllocation;
    };

/** From best to worst. */
const ORDER: readonly ConnectionMeans[] = ['punch', 'peer-reflexive', 'predict', 'birthday', 'unknown', 'relay'];

export function predictConnection(a: HostNetwork, b: HostNetwork): ConnectionPrediction {
  const overIpv6 = { ...predict(endOf(a.ipv6, false), endOf(b.ipv6, false)), family: 6 as const };
  const overIpv4 = { ...predict(endOf(a.ipv4, a.grantsMappings), endOf(b.ipv4, b.grantsMappings)), family: 4 as const };
  const best = ORDER.indexOf(overIpv6.means) <= ORDER.indexOf(overIpv4.means) ? overIpv6 : overIpv4;
  if (best.means !== 'relay') return best;
  const { means, reason, remedies } = hasFamilyInCommon(a, b)
    ? worseReasonOf(overIpv4, overIpv6, a, b)
    : NOTHING_IN_COMMON;
  return { means, reason, remedies };
}

type Finding = Omit<ConnectionPrediction, 'family'>;

function predict(a: End, b: End): Finding {
  if (a.kind === 'absent' || b.kind === 'absent') return NOTHING_IN_COMMON;
  if (a.kind === 'blocked' || b.kind === 'blocked') return UDP_BLOCKED;
  if (a.kind === 'unknown' || b.kind === 'unknown') return NOT_MEASURED;
  if (a.isHard && b.isHard) return BOTH_HARD;
  if (!a.isHard && !b.isHard) return BOTH_EASY;
  const [hard, easy] = a.isHard ? [a, b] : [b, a];
  if (easy.admits !== 'exact-endpoint') return HARD_IS_LET_IN;
  return hard.allocation.kind === 'sequential' ? HARD_IS_PREDICTABLE : HARD_IS_RANDOM;
}

function endOf(report: HostNetwork['ipv4'], grantsMappings: boolean): End {
  if (report === undefined) return { kind: 'absent' };
  if (report === 'not-tested') return { kind: 'unknown' };
  switch (report.kind) {
    case 'udp-blocked':
      return { kind: 'blocked' };
    case 'no-nat':
      return {
        kind: 'mapped',
        isHard: false,
        admits: admissionOf(report.filtering),
        allocation: { kind: 'preserving' },
      };
    case 'nat': {
      // A port that the router forwards is open to everybody, and sent from.
      if (grantsMappings) return { kind: 'mapped', isHard: false, admits: 'anybody', allocation: report.allocation };
      if (report.mapping === 'not-tested') return { kind: 'unknown' };
      const isHard = report.mapping.dependence !== 'endpoint-independent';
      return { kind: 'mapped', isHard, admits: admissionOf(report.filtering), allocation: report.allocation };
    }
    default:
      return assertNever(report);
  }
}

/** What was not tested is taken for the strictest, which is the most common. */
function admissionOf(filtering: NatFinding | 'not-tested'): Extract<End, { kind: 'mapped' }>['admits'] {
  if (filtering === 'not-tested') return 'exact-endpoint';
  switch (filtering.dependence) {
    case 'endpoint-independent':
      return 'anybody';
    case 'address-dependent':
      return 'known-address';
    case 'address-and-port-dependent':
      return 'exact-endpoint';
  }
}

function hasFamilyInCommon(a: HostNetwork, b: HostNetwork): boolean {
  return (a.ipv4 !== undefined && b.ipv4 !== undefined) || (a.ipv6 !== undefined && b.ipv6 !== undefined);
}

/** Of the families that both have, the reason of the one that the means were sought in: IPv4 where both have it. */
function worseReasonOf(overIpv4: Finding, overIpv6: Finding, a: HostNetwork, b: HostNetwork): Finding {
  return a.ipv4 !== undefined && b.ipv4 !== undefined ? overIpv4 : overIpv6;
}

const FORWARD_A_PORT = 'a port mapping (UPnP, NAT-PMP or PCP) on either router';
const USE_IPV6 = 'IPv6 on both sides';

const BOTH_EASY: Finding = {
  means: 'punch',
  reason: 'both sides keep one outside endpoint for all peers: direct by hole punching',
  remedies: [],
};
const HARD_IS_LET_IN: Finding = {
  means: 'peer-reflexive',
  reason: 'one NAT allocates a new port per destination, and the other side lets it in all the same: direct',
  remedies: [],
};
const HARD_IS_PREDICTABLE: Finding = {
  means: 'predict',
  reason:
    'one NAT allocates a new port per destination and the other side lets in exact endpoints only, but the ports come in ' +
    'sequence: direct by trying the next ones',
  remedies: [FORWARD_A_PORT, USE_IPV6],
};
const HARD_IS_RANDOM: Finding = {
  means: 'birthday',
  reason:
    'one NAT allocates a random port per destination and the other side lets in exact endpoints only: relayed until one of ' +
    'many ports is hit, mostly within 6 s',
  remedies: [FORWARD_A_PORT, USE_IPV6],
};
const BOTH_HARD: Finding = {
  means: 'relay',
  reason: 'both NATs allocate a new port per destination: relayed',
  remedies: [FORWARD_A_PORT, USE_IPV6],
};
const UDP_BLOCKED: Finding = {
  means: 'relay',
  reason: 'a network lets no UDP through: relayed over TCP',
  remedies: ['UDP let out by that network'],
};
const NOTHING_IN_COMMON: Finding = {
  means: 'relay',
  reason: 'one side has only IPv4 and the other only IPv6: relayed',
  remedies: ['an address of the other family on either side'],
};
const NOT_MEASURED: Finding = {
  means: 'unknown',
  reason: 'how a NAT maps was not measured, for want of a second STUN server',
  remedies: [],
};
