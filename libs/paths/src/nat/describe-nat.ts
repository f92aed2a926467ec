// One plain sentence about a NAT: what it means for connecting. Used by `netcheck`.

import type { NatFinding, NatReport } from './nat-report.js';

export function describeNat(report: NatReport): string {
  switch (report.kind) {
    case 'udp-blocked':
      return 'No UDP gets through to the STUN servers: this host can only be connected by a relay over TCP.';
    case 'no-nat':
      return describeOpenHost(report.filtering);
    case 'nat':
      return describeMapping(report.mapping, report.filtering);
  }
}

function describeOpenHost(filtering: NatFinding | 'not-tested'): string {
  if (filtering === 'not-tested') return 'This host has a public address; whether a firewall filters was not tested.';
  switch (filtering.dependence) {
    case 'endpoint-independent':
      return 'This host can be reached at its own address: every peer that can send UDP connects directly.';
    case 'address-dependent':
      return 'This host has a public address and a firewall that lets answers in: peers with UDP connect directly.';
    case 'address-and-port-dependent':
      return (
        'This host has a public address and a firewall that lets only answers in: peers connect directly, ' +
        'except that those behind an endpoint-dependent NAT need luck or a relay.'
      );
  }
}

function describeMapping(mapping: NatFinding | 'not-tested', filtering: NatFinding | 'not-tested'): string {
  if (mapping === 'not-tested') return 'Only one STUN server answered: how the NAT maps could not be told.';
  if (mapping.dependence !== 'endpoint-independent') {
    return (
      'A hard NAT, with another port per destination: direct with public peers and with NATs that filter by address or not ' +
      'at all, by luck or relay with the rest. A port mapping on the router would make it direct.'
    );
  }
  if (filtering === 'not-tested' || filtering.dependence === 'address-and-port-dependent') {
    return (
      'An easy NAT: peers connect directly by hole punching, except that those behind an endpoint-dependent NAT need luck ' +
      'or a relay.'
    );
  }
  return filtering.dependence === 'endpoint-independent'
    ? 'An open NAT: every peer that can send UDP connects directly.'
    : 'An easy NAT that filters by address only: every peer that can send UDP connects directly by hole punching.';
}
