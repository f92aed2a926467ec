// Addresses at which a peer might be reached (RFC 8445 §5.1.1's terms), and which of them are worth a probe.

import { type Endpoint, ipAddressScope, type IpPrefix, ipPrefixContains } from '@shadownet/primitives';

export interface Candidate {
  /** Of an interface of the peer; seen by a STUN server; seen by ourselves as the source of an authenticated message; or
   * granted to it by its router (UPnP-IGD, NAT-PMP, PCP). */
  readonly kind: 'host' | 'server-reflexive' | 'peer-reflexive' | 'port-mapped';
  readonly endpoint: Endpoint;
}

/**
 * False for what no peer can be reached at or what would turn probes against somebody: loopback, multicast, broadcast and
 * other reserved ranges, unspecified, link-local IPv6 (it lacks its zone), and addresses inside the overlay itself.
 */
export function isUsableCandidate({ address, port }: Endpoint, overlay: readonly IpPrefix[]): boolean {
  if (port < 1) return false;
  switch (ipAddressScope(address)) {
    case 'loopback':
    case 'multicast':
    case 'unspecified':
    case 'reserved':
      return false;
    case 'link-local':
      if (address.family === 6) return false;
      break;
    case 'global':
    case 'private':
    case 'shared':
      break;
  }
  return !overlay.some((prefix) => ipPrefixContains(prefix, address));
}
