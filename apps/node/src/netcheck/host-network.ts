// What a netcheck's JSON says of a host's network, as a prediction needs it. The other direction of nat-message.ts.

import type { NatMessage, Netcheck, NetcheckFamily } from '@shadownet/contracts';
import type { HostNetwork, NatFinding, NatReport } from '@shadownet/paths';
import { assertNever, parseEndpoint } from '@shadownet/primitives';

export function hostNetworkOf({ ipv4, ipv6, port_mapping }: Netcheck): HostNetwork {
  return { ipv4: familyOf(ipv4), ipv6: familyOf(ipv6), grantsMappings: port_mapping.length > 0 };
}

function familyOf(family: NetcheckFamily): HostNetwork['ipv4'] {
  if (family.result === 'tested') return natReport(family.nat);
  switch (family.reason) {
    case 'no-address':
      return undefined;
    case 'no-server':
      return 'not-tested';
    default:
      return assertNever(family.reason);
  }
}

/** Without the lifetime, which predicts nothing. */
function natReport(message: NatMessage): NatReport {
  switch (message.kind) {
    case 'udp-blocked':
      return message;
    case 'no-nat':
      return {
        kind: 'no-nat',
        endpoint: parseEndpoint(message.endpoint)!,
        filtering: finding(message.filtering),
        lifetime: 'not-tested',
      };
    case 'nat':
      return {
        kind: 'nat',
        endpoint: parseEndpoint(message.endpoint)!,
        mapping: finding(message.mapping),
        filtering: finding(message.filtering),
        portPreservation: message.port_preservation ? 'yes' : 'no',
        allocation: message.allocation,
        pooling: message.pooling,
        hairpin: message.hairpin ?? 'not-tested',
        lifetime: 'not-tested',
      };
    default:
      return assertNever(message);
  }
}

function finding(message: Extract<NatMessage, { kind: 'no-nat' }>['filtering']): NatFinding | 'not-tested' {
  return message ? { dependence: message.dependence, addressDependence: message.address_dependence } : 'not-tested';
}
