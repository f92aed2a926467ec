// A peer's candidates out of the network map, our own for the others' maps, and what kind of path a candidate makes.

import { MAX_CANDIDATES, type Peer } from '@shadownet/contracts';
import type { Candidate } from '@shadownet/paths';
import {
  type Endpoint,
  endpoint,
  endpointsEqual,
  formatEndpoint,
  ipAddressScope,
  parseEndpoint,
  parseIpAddress,
  type Path,
} from '@shadownet/primitives';

/** How packets reach a peer: within one local network, through the internet, over a relay, or not (yet). */
export type LinkPathKind = 'direct' | 'lan' | 'relay' | 'none';

/**
 * Where the peer says it is, the endpoint that it announced last included. Endpoints of our own are left out: hosts in different
 * networks may have the same private address, but what we would reach at it is ourselves.
 */
export function peerCandidates({ candidates, endpoint: announced }: Peer, own: readonly Endpoint[]): Candidate[] {
  const found = candidates.flatMap(({ kind, ip, port }): Candidate[] => {
    const address = parseIpAddress(ip);
    return address ? [{ kind, endpoint: endpoint(address, port) }] : [];
  });
  const reflexive = announced === null ? undefined : parseEndpoint(announced);
  if (reflexive) found.push({ kind: 'server-reflexive', endpoint: reflexive });
  return distinct(found).filter((candidate) => !own.some((ours) => endpointsEqual(ours, candidate.endpoint)));
}

/**
 * What we announce: our host candidates, the endpoint that a router forwards to us, then what STUN servers saw. 16 at most, of
 * which host candidates make room for the others.
 */
export function ownCandidates(
  host: readonly Endpoint[],
  reflexive: readonly Endpoint[],
  mapped: Endpoint | undefined,
): Candidate[] {
  const forwarded = mapped ? [mapped] : [];
  const seen = reflexive.slice(0, MAX_CANDIDATES - forwarded.length);
  const room = MAX_CANDIDATES - forwarded.length - seen.length;
  return distinct([
    ...host.slice(0, room).map((endpoint): Candidate => ({ kind: 'host', endpoint })),
    ...forwarded.map((endpoint): Candidate => ({ kind: 'port-mapped', endpoint })),
    ...seen.map((endpoint): Candidate => ({ kind: 'server-reflexive', endpoint })),
  ]);
}

/** 'lan' if the peer itself has that address and it is none of the internet's; a NAT's private outside is not the peer's. */
export function pathKind(path: Path, candidates: readonly Candidate[]): LinkPathKind {
  if (path.kind === 'relay') return 'relay';
  const { remote } = path;
  if (ipAddressScope(remote.address) === 'global') return 'direct';
  const candidate = candidates.find(({ endpoint }) => endpointsEqual(endpoint, remote));
  return candidate?.kind === 'host' ? 'lan' : 'direct';
}

/** The first of each endpoint. */
function distinct(candidates: readonly Candidate[]): Candidate[] {
  const byEndpoint = new Map<string, Candidate>();
  for (const candidate of candidates) {
    const text = formatEndpoint(candidate.endpoint);
    if (!byEndpoint.has(text)) byEndpoint.set(text, candidate);
  }
  return [...byEndpoint.values()];
}
