// `shadownet-node netcheck` for people: a sentence, a table of facts in the words of RFC 4787, and the STUN servers.

import type { NatMessage, Netcheck, NetcheckFamily, NetcheckRelay } from '@shadownet/contracts';
import Table from 'cli-table3';
import colors from 'picocolors';

type Nat = Extract<NatMessage, { kind: 'nat' }>;

export function formatNetcheck(report: Netcheck): string {
  const facts = new Table({ style: { head: [], border: [], compact: true } });
  facts.push(['UDP', report.udp === 'works' ? colors.green('works') : colors.red('blocked')]);
  facts.push(...familyRows('IPv4', report.ipv4), ...familyRows('IPv6', report.ipv6));
  facts.push(['port mapping', portMapping(report)]);
  facts.push(['nearest relay', nearestRelay(report)]);
  const tables = [facts.toString(), formatServers(report), ...(report.relays.length > 0 ? [formatRelays(report)] : [])];
  return [...meanings(report), ...tables].join('\n');
}

function meanings({ ipv4, ipv6 }: Netcheck): string[] {
  const tested = (['IPv4', 'IPv6'] as const).flatMap((name) => {
    const family = name === 'IPv4' ? ipv4 : ipv6;
    return family.result === 'tested' ? [`${name}: ${family.meaning}`] : [];
  });
  return tested.length > 0 ? tested : ['Nothing was tested: no STUN server could be found.'];
}

function familyRows(name: string, family: NetcheckFamily): [string, string][] {
  if (family.result === 'not-tested') {
    return [[name, colors.dim(family.reason === 'no-address' ? 'this host has no address' : 'no STUN server to ask')]];
  }
  const { nat } = family;
  switch (nat.kind) {
    case 'udp-blocked':
      return [[name, colors.red('no STUN server answered')]];
    case 'no-nat':
      return [
        [name, `no NAT, seen as ${nat.endpoint}`],
        [`${name} filtering`, dependence(nat.filtering)],
        [`${name} state lifetime`, lifetime(nat.lifetime)],
      ];
    case 'nat':
      return [[name, `behind NAT, seen as ${nat.endpoint}`], ...natRows(name, nat)];
  }
}

function natRows(name: string, nat: Nat): [string, string][] {
  return [
    [`${name} mapping`, dependence(nat.mapping)],
    [`${name} filtering`, dependence(nat.filtering)],
    [`${name} ports`, `${nat.port_preservation ? 'preserved' : 'not preserved'}, further ones ${allocation(nat)}`],
    [`${name} address pooling`, nat.pooling],
    [`${name} hairpinning`, nat.hairpin === null ? 'not tested' : nat.hairpin === 'works' ? 'yes' : 'no'],
    [`${name} mapping lifetime`, lifetime(nat.lifetime)],
  ];
}

function dependence(finding: Nat['mapping']): string {
  if (!finding) return 'not tested';
  const untested = finding.address_dependence === 'not-tested' ? ', as far as one server address can tell' : '';
  return finding.dependence + untested;
}

function allocation({ allocation: found }: Nat): string {
  switch (found.kind) {
    case 'sequential':
      return `in steps of ${found.step}`;
    case 'preserving':
      return 'preserved, too';
    case 'random':
      return 'at random';
    case 'unknown':
      return 'unknown';
  }
}

function lifetime(found: Nat['lifetime']): string {
  if (!found) return 'not tested (--lifetime)';
  const { at_least_s: atLeast, below_s: below } = found;
  if (atLeast === null) return below === null ? 'not tested' : `less than ${below} s`;
  return below === null ? `at least ${atLeast} s` : `${atLeast} to ${below} s`;
}

function portMapping({ port_mapping: offers }: Netcheck): string {
  if (offers.length === 0) return 'none offered';
  return offers.map(({ protocol, gateway }) => `${protocol} by ${gateway}`).join(', ');
}

function nearestRelay({ relays, nearest_relay: nearest }: Netcheck): string {
  if (relays.length === 0) return colors.dim('no relay to ask');
  return nearest ?? colors.red('no relay answered');
}

function formatRelays({ relays }: Netcheck): string {
  const table = new Table({ head: ['relay', 'UDP', 'WebSocket'], style: { head: [], border: [], compact: true } });
  const byLatency = [...relays].sort((a, b) => fastest(a) - fastest(b));
  for (const { id, udp, websocket } of byLatency) {
    const rows = udp.map(({ endpoint, rtt_ms: rtt }) => `${endpoint} ${latency(rtt)}`);
    table.push([id, rows.join('\n') || '-', websocket ? latency(websocket.rtt_ms) : '-']);
  }
  return table.toString();
}

function fastest({ udp, websocket }: NetcheckRelay): number {
  return Math.min(...[...udp.map(({ rtt_ms }) => rtt_ms), websocket?.rtt_ms ?? null].map((rtt) => rtt ?? Infinity));
}

function latency(rtt: number | null): string {
  return rtt === null ? colors.red('no answer') : `${rtt.toFixed(1)} ms`;
}

function formatServers({ stun_servers: servers }: Netcheck): string {
  const table = new Table({ head: ['STUN server', 'RTT', 'seen as'], style: { head: [], border: [], compact: true } });
  const byLatency = [...servers].sort((a, b) => (a.rtt_ms ?? Infinity) - (b.rtt_ms ?? Infinity));
  for (const { server, rtt_ms: rtt, mapped } of byLatency) {
    table.push([server, latency(rtt), mapped ?? '-']);
  }
  return table.toString();
}
