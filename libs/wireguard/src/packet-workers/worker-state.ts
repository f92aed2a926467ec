// The main thread's side of what it shares with packet workers: it publishes each peer's current session, path and allowed IPs,
// and keeps the numbers by which workers know peers and paths. Owned by device-state.ts.

import { localAddressesEqual, type Path, pathsEqual, type UdpPath, udpPath } from '@shadownet/primitives';
import type { AllowedIps } from '../allowed-ips.js';
import type { PacketFilterTable } from '../packet-filter.js';
import type { Peer } from '../peer.js';
import type { SessionRef, SessionTable } from '../transport/session-table.js';
import { buildAllowedIpsTable } from './allowed-ips-table.js';
import type { HandshakeCells } from './handshake-cells.js';
import { PathTable } from './path-table.js';
import { PeerCells } from './peer-cells.js';
import { ReceiverIndexTable } from './receiver-index-table.js';
import { originsEqual, type RelayOrigin, type RelayRoutes } from './relay-route.js';
import { ReusableNumbers } from './reusable-numbers.js';

/** All that a worker attaches to at its start. */
export interface WorkerBuffers {
  readonly sessions: SharedArrayBuffer;
  readonly receiverIndices: SharedArrayBuffer;
  readonly peers: SharedArrayBuffer;
  readonly paths: SharedArrayBuffer;
  readonly handshakes: SharedArrayBuffer;
}

/** Numbers wait for an epoch before they are used again, so that there are more of them than peers. */
const NUMBERS_PER_PEER = 2;

/** A path that workers send by; with `relay` it leads to a relay. */
interface WorkerPath {
  readonly path: UdpPath;
  readonly relay?: RelayOrigin;
}

interface PublishedPath extends WorkerPath {
  readonly entry: number;
}

export class WorkerState {
  readonly peers: PeerCells;
  readonly #sessions: SessionTable;
  readonly #indices: ReceiverIndexTable;
  readonly #paths: PathTable;
  readonly #peerNumbers: ReusableNumbers;
  readonly #pathNumbers: ReusableNumbers;
  readonly #published = new Map<number, PublishedPath>();
  /** Without them, what goes by relays is the core's. */
  relayRoutes: RelayRoutes | undefined;
  #allowedIps: 'published' | 'changed' = 'changed';
  /** What workers have to be told. */
  #filter: { readonly table: PacketFilterTable | undefined } | undefined;

  constructor(
    sessions: SessionTable,
    readonly handshakes: HandshakeCells,
    maxPeers: number,
    workerPairs: number,
  ) {
    const count = maxPeers * NUMBERS_PER_PEER;
    this.#sessions = sessions;
    this.#indices = new ReceiverIndexTable(sessions);
    this.peers = new PeerCells({ peers: count, transmitters: workerPairs });
    this.#paths = new PathTable({ entries: count });
    this.#peerNumbers = new ReusableNumbers(sessions, count);
    this.#pathNumbers = new ReusableNumbers(sessions, count);
  }

  get buffers(): WorkerBuffers {
    return {
      sessions: this.#sessions.buffer,
      receiverIndices: this.#indices.buffer,
      peers: this.peers.buffer,
      paths: this.#paths.buffer,
      handshakes: this.handshakes.buffer,
    };
  }

  /** A number for a new peer, with its cells cleared; `undefined` if none is free yet. */
  takePeerNumber(): number | undefined {
    const number = this.#peerNumbers.take();
    if (number !== undefined) this.peers.clear(number);
    return number;
  }

  removePeer(peer: Peer): void {
    this.#publishPath(peer.id, undefined);
    this.peers.setCurrentSlot(peer.id, undefined);
    this.#peerNumbers.giveBack(peer.id);
    this.#allowedIps = 'changed';
  }

  sessionOpened(session: SessionRef): void {
    this.#indices.add(this.#sessions.localIndex(session), session.slot);
  }

  /** To be called while the session still has its index. */
  sessionRetired(session: SessionRef): void {
    this.#indices.delete(this.#sessions.localIndex(session), session.slot);
  }

  publishCurrentSession(peer: Peer): void {
    this.peers.setCurrentSlot(peer.id, peer.sessions.current?.slot);
  }

  /** Workers send from the node's one socket only; packets for other paths they hand to the main thread. */
  publishPath({ id, path, sender }: Peer): void {
    this.#publishPath(id, sender === 'workers' && path ? this.#workerPath(path) : undefined);
  }

  publishFilterTable(table: PacketFilterTable | undefined): void {
    this.#filter = { table };
  }

  /** Once for each change. */
  takeFilterTable(): { readonly table: PacketFilterTable | undefined } | undefined {
    const filter = this.#filter;
    this.#filter = undefined;
    return filter;
  }

  noteAllowedIpsChanged(): void {
    this.#allowedIps = 'changed';
  }

  /** A new table for the workers if anything changed since the last one. */
  takeAllowedIps(allowedIps: AllowedIps<Peer>): SharedArrayBuffer | undefined {
    if (this.#allowedIps === 'published') return undefined;
    this.#allowedIps = 'published';
    return buildAllowedIpsTable(allowedIps, (peer) => peer.id);
  }

  #workerPath(path: Path): WorkerPath | undefined {
    if (path.kind === 'udp') return path.socket === 0 ? { path } : undefined;
    const route = this.relayRoutes?.routeOf(path);
    return route && { path: udpPath(route.remote), relay: { session: route.session, channel: route.channel } };
  }

  /** Without a free entry workers know of no path, and hand the packets to the main thread, which does. */
  #publishPath(peer: number, next: WorkerPath | undefined): void {
    const published = this.#published.get(peer);
    if (published && next && isPublished(published, next)) return;
    const entry = next && this.#pathNumbers.take();
    if (next && entry !== undefined) {
      this.#paths.write(entry, next.path, next.relay);
      this.#published.set(peer, { ...next, entry });
    } else this.#published.delete(peer);
    this.peers.setPathEntry(peer, entry);
    if (published) this.#pathNumbers.giveBack(published.entry);
  }
}

function isPublished({ path, relay }: PublishedPath, next: WorkerPath): boolean {
  return pathsEqual(path, next.path) && localAddressesEqual(path, next.path) && originsEqual(relay, next.relay);
}
