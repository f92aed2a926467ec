// Where datagrams for a peer go: which socket, and to which remote. Everything above the sockets speaks of paths, so that
// further sockets and relays can join without a change to the engine.

import { type Endpoint, endpointsEqual, formatEndpoint } from './endpoint.js';
import { type IpAddress, ipAddressesEqual } from './ip-address.js';
import { encodePublicKey, type PublicKey, publicKeysEqual } from './public-key.js';

/** How datagrams travel. */
export type Path = UdpPath | RelayPath;

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

/** Over a relay at which the peer is connected, too; it is addressed by its key. */
export interface RelayPath {
  readonly kind: 'relay';
  /** The relay's id in the network map. */
  readonly relay: string;
  readonly peer: PublicKey;
}

/** The path from the node's one UDP socket to `remote`. */
export function udpPath(remote: Endpoint, local?: IpAddress): UdpPath {
  return { kind: 'udp', socket: 0, remote, ...(local && { local }) };
}

/** The path to `peer` over the relay with that id. */
export function relayPath(relay: string, peer: PublicKey): RelayPath {
  return { kind: 'relay', relay, peer };
}

/** `path` with the choice of the local address left to the system. */
export function withoutLocalAddress<P extends Path>(path: P): P;
export function withoutLocalAddress(path: Path): Path {
  if (path.kind === 'relay') return path;
  const { kind, socket, remote } = path;
  return { kind, socket, remote };
}

/** Where a path leads, if that is an endpoint. */
export function remoteOf(path: Path): Endpoint | undefined {
  return path.kind === 'udp' ? path.remote : undefined;
}

/** Whether both are one path, from whichever address of ours. */
export function pathsEqual(a: Path, b: Path): boolean {
  if (a.kind === 'udp') return b.kind === 'udp' && a.socket === b.socket && endpointsEqual(a.remote, b.remote);
  return b.kind === 'relay' && a.relay === b.relay && publicKeysEqual(a.peer, b.peer);
}

/** Whether both leave it to the system, or both name one address. */
export function localAddressesEqual(a: Path, b: Path): boolean {
  const [ofA, ofB] = [a, b].map((path) => (path.kind === 'udp' ? path.local : undefined));
  return ofA && ofB ? ipAddressesEqual(ofA, ofB) : ofA === ofB;
}

/**
 * A map key, equal for equal paths: of IPv4 at the one socket the 48 bits of address and port, which a number holds exactly and
 * is quicker to make and to look up; the text of any other.
 */
export function pathKey(path: Path): number | string {
  if (path.kind === 'relay' || path.socket !== 0 || path.remote.address.family !== 4) return formatPath(path);
  const { bytes } = path.remote.address;
  return (((bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!) >>> 0) * 0x10000 + path.remote.port;
}

/** `udp 203.0.113.21:51820`, `relay eu-1 <key>`; equal paths (`pathsEqual`) have equal texts, so it serves as a map key. */
export function formatPath(path: Path): string {
  if (path.kind === 'relay') return `relay ${path.relay} ${encodePublicKey(path.peer)}`;
  const socket = path.socket === 0 ? '' : `#${path.socket}`;
  return `${path.kind}${socket} ${formatEndpoint(path.remote)}`;
}
