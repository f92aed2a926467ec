// Samples of NAT tests to a verdict: a pure function, so that every NAT that somebody describes becomes a test.

import {
  type Duration,
  type Endpoint,
  endpointsEqual,
  formatEndpoint,
  formatIpAddress,
  type IpAddress,
  ipAddressesEqual,
} from '@shadownet/primitives';
import type { NatSample } from '@shadownet/stun';
import type { MappingLifetime, NatFinding, NatReport } from './nat-report.js';
import { type Allocation, portAllocation } from './port-allocation.js';

type MappingSample = NatSample & { kind: 'mapping' };

/** `localAddresses` are the host's own, by which it is told whether there is a NAT at all. The samples are of one family. */
export function classifyNat(samples: readonly NatSample[], localAddresses: readonly IpAddress[]): NatReport {
  const mappings = samples.filter((sample) => sample.kind === 'mapping').sort((a, b) => a.order - b.order);
  const [first] = mappings;
  if (!first) return { kind: 'udp-blocked' };
  const filtering = classifyFiltering(samples);
  const lifetime = classifyLifetime(samples);
  const isLocal = ({ mapped }: MappingSample): boolean =>
    localAddresses.some((local) => ipAddressesEqual(local, mapped.address));
  if (mappings.every(isLocal)) return { kind: 'no-nat', endpoint: first.mapped, filtering, lifetime };

  const mapping = classifyMapping(mappings);
  const allocations = distinctAllocations(mappings, mapping);
  return {
    kind: 'nat',
    endpoint: first.mapped,
    mapping,
    filtering,
    portPreservation: preservesPorts(mappings) ? 'yes' : 'no',
    allocation: portAllocation(allocations),
    pooling: new Set(mappings.map(({ mapped }) => formatIpAddress(mapped.address))).size === 1 ? 'paired' : 'arbitrary',
    hairpin: classifyHairpin(samples),
    lifetime,
  };
}

/** RFC 5780 §4.3: one socket, several destinations. Any difference between two ports of one address settles it. */
function classifyMapping(mappings: readonly MappingSample[]): NatFinding | 'not-tested' {
  const relevant = mappings.flatMap((a, i) => mappings.slice(i + 1).flatMap((b) => compareMappings(a, b)));
  if (relevant.length === 0) return 'not-tested';
  const addressDependence = relevant.some(({ across }) => across === 'addresses') ? 'tested' : 'not-tested';
  if (relevant.some(({ across, same }) => across === 'ports' && !same)) {
    return { dependence: 'address-and-port-dependent', addressDependence: 'tested' };
  }
  if (relevant.every(({ same }) => same)) return { dependence: 'endpoint-independent', addressDependence };
  // Different between addresses. Unless two ports of one address were seen to share a mapping, expect the harder kind.
  const sharedByPorts = relevant.some(({ across, same }) => across === 'ports' && same);
  return { dependence: sharedByPorts ? 'address-dependent' : 'address-and-port-dependent', addressDependence };
}

/** What two answers to one socket tell: nothing if the same server gave both. */
function compareMappings(a: MappingSample, b: MappingSample): { across: 'ports' | 'addresses'; same: boolean }[] {
  if (a.socket !== b.socket || endpointsEqual(a.server, b.server)) return [];
  const across = ipAddressesEqual(a.server.address, b.server.address) ? 'ports' : 'addresses';
  return [{ across, same: endpointsEqual(a.mapped, b.mapped) }];
}

/** RFC 5780 §4.4. */
function classifyFiltering(samples: readonly NatSample[]): NatFinding | 'not-tested' {
  const tests = samples.filter((sample) => sample.kind === 'filtering');
  const ofPort = tests.find(({ change }) => change === 'port')?.result;
  const ofBoth = tests.find(({ change }) => change === 'address-and-port')?.result;
  const addressDependence = ofBoth === undefined ? 'not-tested' : 'tested';
  if (ofBoth === 'received') return { dependence: 'endpoint-independent', addressDependence };
  if (ofPort === 'silence') return { dependence: 'address-and-port-dependent', addressDependence: 'tested' };
  if (ofPort === undefined) return 'not-tested';
  return { dependence: ofBoth === 'silence' ? 'address-dependent' : 'endpoint-independent', addressDependence };
}

function classifyHairpin(samples: readonly NatSample[]): 'works' | 'does-not-work' | 'not-tested' {
  const sample = samples.find((one) => one.kind === 'hairpin');
  if (sample?.kind !== 'hairpin') return 'not-tested';
  return sample.result === 'received' ? 'works' : 'does-not-work';
}

function classifyLifetime(samples: readonly NatSample[]): MappingLifetime | 'not-tested' {
  const tests = samples.filter((sample) => sample.kind === 'lifetime');
  if (tests.length === 0) return 'not-tested';
  const idleOf = (result: 'received' | 'silence'): Duration[] =>
    tests.filter((test) => test.result === result).map(({ idle }) => idle);
  const below = minimum(idleOf('silence'));
  // An answer after a longer silence than one that went unanswered: the network may have lost one, so the shorter counts.
  const atLeast = maximum(idleOf('received').filter((idle) => below === undefined || idle < below));
  return { ...(atLeast !== undefined && { atLeast }), ...(below !== undefined && { below }) };
}

/** The samples that stand for a mapping each, in the order in which the NAT made them. */
function distinctAllocations(mappings: readonly MappingSample[], mapping: NatFinding | 'not-tested'): Allocation[] {
  const dependence = mapping === 'not-tested' ? 'endpoint-independent' : mapping.dependence;
  const distinct = new Map<string, MappingSample>();
  for (const sample of mappings) {
    const key = `${sample.socket} ${destinationPart(sample.server, dependence)}`;
    if (!distinct.has(key)) distinct.set(key, sample);
  }
  return [...distinct.values()].map(({ socket, localPort, mapped }) => ({
    socket,
    localPort,
    mappedPort: mapped.port,
  }));
}

function destinationPart(server: Endpoint, dependence: NatFinding['dependence']): string {
  switch (dependence) {
    case 'endpoint-independent':
      return '';
    case 'address-dependent':
      return formatIpAddress(server.address);
    case 'address-and-port-dependent':
      return formatEndpoint(server);
  }
}

/** One that was taken by somebody else does not make a NAT that gives up ports. */
function preservesPorts(mappings: readonly MappingSample[]): boolean {
  const firsts = new Map<number, MappingSample>();
  for (const sample of mappings) if (!firsts.has(sample.socket)) firsts.set(sample.socket, sample);
  const preserved = [...firsts.values()].filter(({ localPort, mapped }) => mapped.port === localPort).length;
  return 2 * preserved > firsts.size;
}

function minimum(values: readonly Duration[]): Duration | undefined {
  return values.length === 0 ? undefined : (Math.min(...values) as Duration);
}

function maximum(values: readonly Duration[]): Duration | undefined {
  return values.length === 0 ? undefined : (Math.max(...values) as Duration);
}
