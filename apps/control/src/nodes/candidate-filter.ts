// What other nodes may be told to send probes to. A node could otherwise aim them at hosts' own services, at multicast
// groups, or at the overlay itself (docs/security.md).

import type { CandidateMessage } from '@shadownet/contracts';
import { MAX_CANDIDATES } from '@shadownet/contracts';
import {
  type Endpoint,
  endpoint,
  formatEndpoint,
  type IpAddress,
  ipAddressScope,
  type IpPrefix,
  ipPrefixContains,
  parseIpAddress,
} from '@shadownet/primitives';

/** The candidates that may be passed on, without repetitions, at most MAX_CANDIDATES. */
export function filterCandidates(candidates: readonly CandidateMessage[], overlay: IpPrefix): CandidateMessage[] {
  const seen = new Set<string>();
  const kept: CandidateMessage[] = [];
  for (const candidate of candidates) {
    const target = targetOf(candidate.ip, candidate.port, overlay);
    if (!target || seen.has(formatEndpoint(target))) continue;
    seen.add(formatEndpoint(target));
    kept.push(candidate);
  }
  return kept.slice(0, MAX_CANDIDATES);
}

/** The reflexive endpoint as text, or null if there is none that may be passed on. */
export function filterReflexive(
  { endpoint_ip: ip, endpoint_port: port }: { endpoint_ip: string | null; endpoint_port: number | null },
  overlay: IpPrefix,
): string | null {
  const target = ip === null || port === null ? undefined : targetOf(ip, port, overlay);
  return target ? formatEndpoint(target) : null;
}

function targetOf(ip: string, port: number, overlay: IpPrefix): Endpoint | undefined {
  const address = parseIpAddress(ip)!;
  return mayBeProbed(address, overlay) ? endpoint(address, port) : undefined;
}

function mayBeProbed(address: IpAddress, overlay: IpPrefix): boolean {
  switch (ipAddressScope(address)) {
    case 'loopback':
    case 'multicast':
    case 'unspecified':
    case 'reserved': // 255.255.255.255 among them
      return false;
    default:
      return !ipPrefixContains(overlay, address);
  }
}
