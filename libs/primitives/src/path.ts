// Where datagrams for a peer go: which socket, and to which remote. Everything above the sockets speaks of paths, so that
// further sockets and relays can join without a change to the engine.

import { type Endpoint, endpointsEqual, formatEndpoint } from './endpoint.js';
import { type IpAddress, ipAddressesEqual } from './ip-address.js';

/** How datagrams travel; further kinds join the union. */
export type Path = UdpPath;

/**
 * Straight to the peer. The socket and the remote endpoint are what makes a path this one and no other. The local address is
 * only how we send along it: it follows the peer wherever that speaks to, and no path is found, lost or changed by it.
 */
export interface UdpPath {
  readonly kind: 'udp';
  /** Which of the node's sockets: 0 is the one that STUN, probes and WireGuard share. */
  readonly socket: number;
  readonly remote: Endpoint;
  /**
   * Of a datagram that came: the address of ours that it was sent to. Of one that is sent: the address that it leaves from, if
   * that is still ours. The system chooses without it, and on sockets that cannot tell.
   */
  readonly local?: IpAddress;
}

/** The path from the node's one UDP socket to `remote`. */
export function udpPath(remote: Endpoint, local?: IpAddress): Path {
  return { kind: 'udp', socket: 0, remote, ...(local && { local }) };
}

/** `path` with the choice of the local address left to the system. */
export function withoutLocalAddress({ kind, socket, remote }: Path): Path {
  return { kind, socket, remote };
}

/** Whether both are one path, from whichever address of ours. */
export function pathsEqual(a: Path, b: Path): boolean {
  return a.socket === b.socket && endpointsEqual(a.remote, b.remote);
}

/** Whether both leave it to the system, or both name one address. */
export function localAddressesEqual(a: Path, b: Path): boolean {
  return a.local && b.local ? ipAddressesEqual(a.local, b.local) : a.local === b.local;
}

/** `udp 203.0.113.21:51820`; equal paths (`pathsEqual`) have equal texts, so it serves as a map key. */
export function formatPath(path: Path): string {
  const socket = path.socket === 0 ? '' : `#${path.socket}`;
  return `${path.kind}${socket} ${formatEndpoint(path.remote)}`;
}
