// Where datagrams for a peer go: which socket, and to which remote. Everything above the sockets speaks of paths, so that
// further sockets and relays can join without a change to the engine.

import { type Endpoint, endpointsEqual, formatEndpoint } from './endpoint.js';

export interface Path {
  readonly kind: 'udp';
  /** Which of the node's sockets: 0 is the one that STUN, probes and WireGuard share. */
  readonly socket: number;
  readonly remote: Endpoint;
}

/** The path from the node's one UDP socket to `remote`. */
export function udpPath(remote: Endpoint): Path {
  return { kind: 'udp', socket: 0, remote };
}

export function pathsEqual(a: Path, b: Path): boolean {
  return a.socket === b.socket && endpointsEqual(a.remote, b.remote);
}

/** `udp 203.0.113.21:51820`; equal paths have equal texts, so it serves as a map key. */
export function formatPath(path: Path): string {
  const socket = path.socket === 0 ? '' : `#${path.socket}`;
  return `${path.kind}${socket} ${formatEndpoint(path.remote)}`;
}
