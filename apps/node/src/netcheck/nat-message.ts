// A NatReport as the netcheck's JSON has it.

import type { NatMessage } from '@shadownet/contracts';
import type { MappingLifetime, NatFinding, NatReport } from '@shadownet/paths';
import { type Duration, formatEndpoint } from '@shadownet/primitives';

export function natMessage(report: NatReport): NatMessage {
  switch (report.kind) {
    case 'udp-blocked':
      return { kind: 'udp-blocked' };
    case 'no-nat':
      return {
        kind: 'no-nat',
        endpoint: formatEndpoint(report.endpoint),
        filtering: findingMessage(report.filtering),
        lifetime: lifetimeMessage(report.lifetime),
      };
    case 'nat':
      return {
        kind: 'nat',
        endpoint: formatEndpoint(report.endpoint),
        mapping: findingMessage(report.mapping),
        filtering: findingMessage(report.filtering),
        port_preservation: report.portPreservation === 'yes',
        allocation: report.allocation,
        pooling: report.pooling,
        hairpin: report.hairpin === 'not-tested' ? null : report.hairpin,
        lifetime: lifetimeMessage(report.lifetime),
      };
  }
}

function findingMessage(finding: NatFinding | 'not-tested') {
  if (finding === 'not-tested') return null;
  return { dependence: finding.dependence, address_dependence: finding.addressDependence };
}

function lifetimeMessage(lifetime: MappingLifetime | 'not-tested') {
  if (lifetime === 'not-tested') return null;
  return { at_least_s: inSeconds(lifetime.atLeast), below_s: inSeconds(lifetime.below) };
}

function inSeconds(duration: Duration | undefined): number | null {
  return duration === undefined ? null : duration / 1000;
}
