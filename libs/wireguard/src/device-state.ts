// What sending, receiving and configuring share: the device's own keys, its tables, its counters and its events.

import type { CryptoProvider, PrivateKey, RandomBytes } from '@shadownet/crypto';
import {
  type Duration,
  durationBetween,
  type Instant,
  localAddressesEqual,
  milliseconds,
  type Path,
  pathsEqual,
  type PublicKey,
  publicKeysEqual,
  type PublicKeyText,
  Secret,
  TimerQueue,
  withoutLocalAddress,
} from '@shadownet/primitives';
import { AllowedIps } from './allowed-ips.js';
import {
  DEFAULT_MAX_PEERS,
  HANDSHAKE_BUDGET_PER_SECOND,
  MAX_TIMER_JITTER,
  REJECT_AFTER_MESSAGES,
  REJECT_AFTER_TIME,
  REPORT_INTERVAL,
  SESSIONS_PER_PEER,
} from './constants.js';
import {
  type DeviceEvent,
  type DeviceOptions,
  type Drop,
  DROP_REASONS,
  type DropReason,
  type EndpointPolicy,
} from './device-types.js';
import { CookieResponder } from './handshake/cookie.js';
import { LoadDetector } from './handshake/load-detector.js';
import { type Admission, LoadGuard } from './handshake/load-guard.js';
import type { TimestampSource } from './handshake/timestamp.js';
import { HandshakeCells } from './packet-workers/handshake-cells.js';
import type { PacketDirection, PacketFilter, PacketFilterFactory, PacketFilterTable } from './packet-filter.js';
import { WorkerState } from './packet-workers/worker-state.js';
import { sourceOf } from './path-source.js';
import type { Peer } from './peer.js';
import { readSessionIndex, type SessionIndex, SessionIndexTable } from './session-index.js';
import { type SessionRef, SessionTable } from './transport/session-table.js';
import { TransportCodec } from './transport/transport-message.js';

/** What one of our indices stands for: the initiation that a peer's `handshake` describes, or a session. */
export type IndexOwner =
  | { readonly kind: 'handshake'; readonly peer: Peer }
  | { readonly kind: 'session'; readonly peer: Peer; readonly session: SessionRef };

/** The device's own key pair and what follows from it. */
export interface Identity {
  readonly privateKey: PrivateKey;
  readonly publicKey: PublicKey;
  readonly cookies: CookieResponder;
}

export class DeviceState {
  readonly crypto: CryptoProvider;
  readonly random: RandomBytes;
  readonly timestamps: TimestampSource;
  readonly endpoints: EndpointPolicy;
  readonly maxPeers: number;
  readonly #makeFilter: PacketFilterFactory | undefined;
  #filter: PacketFilter | undefined;

  identity: Identity | undefined;
  /** Whether receive workers were told of the keys that the identity has for checking handshake messages. */
  handshakeKeys: 'published' | 'changed' = 'changed';
  readonly peers = new Map<PublicKeyText, Peer>();
  /** By the number that packet workers know them by. */
  readonly peersByNumber = new Map<number, Peer>();
  readonly allowedIps = new AllowedIps<Peer>();
  readonly indices: SessionIndexTable<IndexOwner>;
  readonly sessions: SessionTable;
  /** The indices that peers gave to sessions with us: by them we know our own transport messages. */
  readonly remoteIndices = new Set<SessionIndex>();
  readonly workers: WorkerState;
  readonly timers = new TimerQueue<Peer>();
  readonly codec: TransportCodec;
  readonly load: LoadDetector;
  readonly guard: LoadGuard;
  /** What a receive worker has decided on the handshake message that is being handled. */
  admittedByWorker: Admission | undefined;
  readonly events: DeviceEvent[] = [];
  readonly counters: Record<DropReason, number>;

  constructor(options: DeviceOptions) {
    this.crypto = options.crypto;
    this.random = options.random;
    this.timestamps = options.timestamps;
    this.endpoints = options.endpoints;
    this.#makeFilter = options.packetFilter;
    this.maxPeers = options.maxPeers ?? DEFAULT_MAX_PEERS;
    this.indices = new SessionIndexTable(options.random);
    const { workerPairs = 1 } = options;
    this.sessions = SessionTable.allocate(this.maxPeers * SESSIONS_PER_PEER, workerPairs);
    const handshakesPerSecond = options.handshakesPerSecond ?? HANDSHAKE_BUDGET_PER_SECOND[options.crypto.name];
    const handshakes = new HandshakeCells({ handshakesPerSecond, seed: readSessionIndex(options.random(4), 0) });
    this.workers = new WorkerState(this.sessions, handshakes, this.maxPeers, workerPairs);
    this.codec = new TransportCodec(options.crypto);
    this.load = new LoadDetector(handshakes);
    this.guard = new LoadGuard(handshakes);
    this.counters = Object.fromEntries(DROP_REASONS.map((reason) => [reason, 0])) as Record<DropReason, number>;
  }

  /** Counts a drop and says so. */
  drop(reason: DropReason, count = 1): Drop {
    this.counters[reason] += count;
    return { ok: false, reason };
  }

  /** 0…MAX_TIMER_JITTER, drawn anew. */
  readonly jitter = (): Duration => {
    const [low, high] = this.random(2) as unknown as [number, number];
    return milliseconds((((high << 8) | low) / 0xffff) * MAX_TIMER_JITTER);
  };

  setIdentity(bytes: Uint8Array): PublicKey {
    const privateKey = this.crypto.privateKey(bytes);
    // Multiplying the base point by a clamped scalar never gives a point of low order.
    const publicKey = privateKey.publicKey as PublicKey;
    this.clearIdentity();
    this.identity = { privateKey, publicKey, cookies: new CookieResponder(this.crypto, this.random, publicKey) };
    return publicKey;
  }

  clearIdentity(): void {
    this.identity?.privateKey.zero();
    this.identity?.cookies.zero();
    this.identity = undefined;
    this.handshakeKeys = 'changed';
  }

  /** DH of our static key and the peer's: computed once. `undefined` for a key that gives no secret. */
  staticSharedWith(peer: Peer, identity: Identity): Uint8Array | undefined {
    if (!peer.staticShared) {
      const secret = identity.privateKey.sharedSecret(peer.publicKey);
      if (!secret) return undefined;
      peer.staticShared = Secret.own(secret);
    }
    return peer.staticShared.expose();
  }

  isOwnKey(publicKey: PublicKey): boolean {
    return this.identity !== undefined && publicKeysEqual(publicKey, this.identity.publicKey);
  }

  /** From now on packets are judged by this table, or by none. Throws if the device was made without a filter. */
  setFilterTable(table: PacketFilterTable | undefined): void {
    if (table && !this.#makeFilter) throw new Error('a device without a packet filter is given a table for one');
    this.#filter = table && this.#makeFilter?.(table);
    this.workers.publishFilterTable(table);
  }

  /** A whole IP packet of the peer's. The drop that the filter wants, already counted. */
  filtered(direction: PacketDirection, peer: Peer, packet: Uint8Array, now: Instant): Drop | undefined {
    if (!this.#filter) return undefined;
    const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
    const verdict = this.#filter.judge(direction, peer.id, view, 0, packet.byteLength, now);
    return verdict === 'accept' ? undefined : this.drop(verdict);
  }

  /** The session to send with, if it is still allowed to. */
  sendingSession(peer: Peer, now: Instant): SessionRef | undefined {
    const session = peer.sessions.current;
    if (!session || this.isExpired(session, now)) return undefined;
    return this.sessions.sendCounter(session) < REJECT_AFTER_MESSAGES ? session : undefined;
  }

  isExpired(session: SessionRef, now: Instant): boolean {
    return durationBetween(this.sessions.createdAt(session), now) >= REJECT_AFTER_TIME;
  }

  /** Ends sessions of a peer, keeping what they carried in its totals. */
  retire(peer: Peer, sessions: readonly SessionRef[]): void {
    for (const session of sessions) {
      const traffic = this.sessions.traffic(session);
      peer.totals.txBytes += traffic.bytesSent;
      peer.totals.rxBytes += traffic.bytesReceived;
      peer.totals.lastSentAt = laterOf(peer.totals.lastSentAt, traffic.lastSentAt);
      peer.totals.lastReceivedAt = laterOf(peer.totals.lastReceivedAt, traffic.lastReceivedAt);
      this.indices.delete(this.sessions.localIndex(session));
      this.remoteIndices.delete(this.sessions.remoteIndex(session));
      this.workers.sessionRetired(session);
      this.sessions.retire(session);
    }
    this.workers.publishCurrentSession(peer);
  }

  /** Forgets an initiation that waits for its response. */
  dropInitiation(peer: Peer): void {
    if (peer.handshake.kind === 'initiated') {
      this.indices.delete(peer.handshake.localIndex);
      this.workers.handshakes.addInitiation(peer.handshake.localIndex, -1);
      peer.handshake.pending.zero();
    }
    peer.handshake = { kind: 'idle' };
  }

  /** Ends all that a peer has under way, and zeroes its session keys. */
  endSessions(peer: Peer): void {
    this.dropInitiation(peer);
    this.retire(peer, peer.sessions.clear());
    peer.timers.stopAll();
  }

  setPath(peer: Peer, path: Path | undefined): void {
    const { handshakes } = this.workers;
    if (peer.path) handshakes.addPeerAt(sourceOf(peer.path).address, -1);
    if (path) handshakes.addPeerAt(sourceOf(path).address, 1);
    peer.path = path;
    this.workers.publishPath(peer);
  }

  /** A message of the peer that came by `path` was found authentic. */
  authenticatedPath(peer: Peer, path: Path, now: Instant): void {
    if (peer.path && pathsEqual(peer.path, path)) {
      // Nobody else cares which of our addresses the peer speaks to, but answers have to leave from there.
      if (!localAddressesEqual(peer.path, path)) this.setPath(peer, path);
      return;
    }
    if (this.endpoints === 'roaming') {
      this.setPath(peer, path);
      this.events.push({ kind: 'path-changed', peer: peer.publicKey, path });
      return;
    }
    const last = peer.lastReport;
    if (last && pathsEqual(last.path, path) && durationBetween(last.at, now) < REPORT_INTERVAL) return;
    peer.lastReport = { path, at: now };
    this.events.push({ kind: 'authenticated-from', peer: peer.publicKey, path });
  }

  /** Nothing comes back: perhaps because of the address that we send from, which the system may choose better now. */
  forgetLocalAddress(peer: Peer): void {
    if (peer.path?.kind === 'udp' && peer.path.local) this.setPath(peer, withoutLocalAddress(peer.path));
  }

  /** Something waits for a path. */
  reportWanted(peer: Peer, now: Instant): void {
    const last = peer.handshakeWantedReportedAt;
    if (last !== undefined && durationBetween(last, now) < REPORT_INTERVAL) return;
    peer.handshakeWantedReportedAt = now;
    this.events.push({ kind: 'handshake-wanted', peer: peer.publicKey });
  }
}

export function laterOf(a: Instant | undefined, b: Instant | undefined): Instant | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a > b ? a : b;
}
