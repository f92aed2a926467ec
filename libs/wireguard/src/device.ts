// A WireGuard device without a network: bytes and time go in, bytes, events and the next deadline come out. The owner calls
// a handle…() for what happened, then drains pollEvent() and sets its timer by pollTimeout(). Used by libs/tunnel.

import {
  assertNever,
  encodePublicKey,
  type Instant,
  milliseconds,
  type Path,
  pathsEqual,
  type PublicKey,
  Secret,
  type Wakeup,
} from '@shadownet/primitives';
import { KEY_LENGTH } from './constants.js';
import { DeviceState, laterOf } from './device-state.js';
import type {
  DatagramResult,
  DeviceEvent,
  DeviceOptions,
  DeviceOutput,
  PacketResult,
  PacketWorkerHost,
  PeerConfiguration,
  PeerStatus,
} from './device-types.js';
import type { HandshakeKeys } from './handshake/cookie.js';
import type { Admission } from './handshake/load-guard.js';
import type { RelayRoutes } from './packet-workers/relay-route.js';
import type { WorkerBuffers } from './packet-workers/worker-state.js';
import { WorkerTraffic } from './packet-workers/worker-traffic.js';
import type { PacketFilterTable } from './packet-filter.js';
import { Peer } from './peer.js';
import type { PeerTimer } from './peer-timers.js';
import { handleDatagram } from './receive.js';
import {
  attemptHandshake,
  flushStaged,
  handlePacket,
  requestHandshake,
  sendHandshakeMessage,
  sendKeepalive,
} from './send.js';
import type { SessionTable } from './transport/session-table.js';
import { WireGuardError } from './wireguard-error.js';

export class Device implements PacketWorkerHost {
  readonly #state: DeviceState;
  readonly #workerTraffic = new WorkerTraffic();

  constructor(options: DeviceOptions) {
    this.#state = new DeviceState(options);
  }

  // ── Configuration ─────────────────────────────────────────────────────────────────────────────────────────────────

  get publicKey(): PublicKey | undefined {
    return this.#state.identity?.publicKey;
  }

  /**
   * Becomes the owner of a private key, 32 bytes, copied. All sessions end and are zeroed, since they were made under the
   * old one; a peer that has the new public key is removed. Throws 'bad-key-length'.
   */
  setPrivateKey(privateKey: Uint8Array, now: Instant): void {
    requireKeyLength(privateKey.length);
    const state = this.#state;
    const publicKey = state.setIdentity(privateKey);
    this.removePeer(publicKey, now);
    for (const peer of state.peers.values()) {
      state.endSessions(peer);
      peer.staticShared?.zero();
      peer.staticShared = undefined;
      peer.lastHandshakeSentAt = undefined;
      peer.timers.traversed(now, peer.persistentKeepalive);
      if (peer.staged.size === 0 && peer.persistentKeepalive === 0) continue;
      peer.timers.attemptsStarted(now);
      peer.timers.attemptAt(now);
    }
  }

  /** Has no key any more, which is how it starts: nothing is sent or accepted. All sessions end and all their keys are zeroed. */
  clearPrivateKey(): void {
    const state = this.#state;
    state.clearIdentity();
    for (const peer of state.peers.values()) {
      state.endSessions(peer);
      peer.staticShared?.zero();
      peer.staticShared = undefined;
      peer.lastHandshakeSentAt = undefined;
    }
  }

  /** The MTU of the host's interface, in bytes: packets are not padded beyond it. Unlimited until it is set. */
  setMtu(mtu: number): void {
    this.#state.codec.mtu = mtu;
  }

  /**
   * Adds a peer, or replaces the configuration of the one with this key and keeps its sessions. The device's own key is
   * ignored. Throws 'bad-key-length' and 'too-many-peers'.
   */
  upsertPeer(configuration: PeerConfiguration, now: Instant, out: DeviceOutput): void {
    const state = this.#state;
    const { publicKey, presharedKey, persistentKeepalive = milliseconds(0) } = configuration;
    if (presharedKey) requireKeyLength(presharedKey.length);
    if (state.isOwnKey(publicKey)) return;
    const peer = this.#find(publicKey) ?? this.#add(publicKey);

    peer.presharedKey.zero();
    peer.presharedKey = presharedKey ? Secret.copy(presharedKey.expose()) : Secret.own(new Uint8Array(KEY_LENGTH));
    state.allowedIps.removeOwner(peer);
    for (const prefix of configuration.allowedIps) state.allowedIps.insert(prefix, peer);
    state.workers.noteAllowedIpsChanged();

    const keepaliveTurnedOn = persistentKeepalive > 0 && peer.persistentKeepalive === 0;
    if (persistentKeepalive !== peer.persistentKeepalive) peer.timers.traversed(now, persistentKeepalive);
    peer.persistentKeepalive = persistentKeepalive;
    if (configuration.path) this.setPeerPath(publicKey, configuration.path, now, out);
    if (keepaliveTurnedOn && peer.path) sendKeepalive(state, peer, now, out);
  }

  /** Forgets a peer and zeroes its keys; false if there is none. Nothing of it is delivered afterwards. */
  removePeer(publicKey: PublicKey, _now: Instant): boolean {
    const state = this.#state;
    const peer = this.#find(publicKey);
    if (!peer) return false;
    state.endSessions(peer);
    state.timers.delete(peer);
    state.allowedIps.removeOwner(peer);
    state.setPath(peer, undefined);
    peer.staged.clear();
    peer.zero();
    state.workers.removePeer(peer);
    state.peers.delete(peer.publicKeyText);
    state.peersByNumber.delete(peer.id);
    return true;
  }

  /**
   * Who sends the packets for a peer where there are packet workers. 'core': all pass through the device, and its output can
   * send them twice. Throws 'unknown-peer'.
   */
  setPeerSender(publicKey: PublicKey, sender: 'workers' | 'core'): void {
    const peer = this.#require(publicKey);
    peer.sender = sender;
    this.#state.workers.publishPath(peer);
  }

  /**
   * How packet workers send by relays; to be called again whenever the answers may have changed. Without it all that goes by
   * relays passes through the device.
   */
  useRelayRoutes(routes: RelayRoutes): void {
    const { workers, peers } = this.#state;
    workers.relayRoutes = routes;
    for (const peer of peers.values()) if (peer.path?.kind === 'relay') workers.publishPath(peer);
  }

  /**
   * Where to send to a peer from now on; without a path nothing is sent and packets are staged. A new path releases what
   * waits for one: an initiation under way is sent again by it, as the same bytes. Throws 'unknown-peer'.
   */
  setPeerPath(publicKey: PublicKey, path: Path | undefined, now: Instant, out: DeviceOutput): void {
    const state = this.#state;
    const peer = this.#require(publicKey);
    const isSame = path && peer.path && pathsEqual(path, peer.path);
    state.setPath(peer, path);
    if (!path || isSame) return;
    switch (peer.handshake.kind) {
      case 'initiated':
        sendHandshakeMessage(peer, peer.handshake.message, path, now, out);
        break;
      case 'wanted':
        attemptHandshake(state, peer, now, out);
        break;
      case 'idle':
        break;
      default:
        assertNever(peer.handshake);
    }
    const session = state.sendingSession(peer, now);
    if (!session) {
      if (peer.staged.size > 0 || peer.persistentKeepalive > 0) requestHandshake(state, peer, now, out);
    } else if (!flushStaged(state, peer, now, out) && state.sessions.sendCounter(session) === 0n) {
      // The responder waits for the first packet, which had no path to go by.
      if (state.sessions.role(session) === 'initiator') sendKeepalive(state, peer, now, out);
    }
  }

  /** Starts a handshake with a peer unless one is under way, or was done, within REKEY_TIMEOUT. Throws 'unknown-peer'. */
  initiateHandshake(publicKey: PublicKey, now: Instant, out: DeviceOutput): void {
    requestHandshake(this.#state, this.#require(publicKey), now, out);
  }

  // ── Traffic ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** An IP packet from the host: sent, or staged until there is a session and a path; both are `ok`. */
  handlePacket(packet: Uint8Array, now: Instant, out: DeviceOutput): PacketResult {
    return handlePacket(this.#state, packet, now, out);
  }

  /** A datagram from the network that came by `path`. Bytes are read during the call only. Never throws for what they hold. */
  handleDatagram(datagram: Uint8Array, path: Path, now: Instant, out: DeviceOutput): DatagramResult {
    return handleDatagram(this.#state, datagram, path, now, out);
  }

  // ── Time ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Does all that is due. Calling it early does nothing. */
  handleTimeout(now: Instant, out: DeviceOutput): void {
    const { timers } = this.#state;
    for (let first = timers.first(); first && first.at <= now; first = timers.first()) {
      const peer = first.owner;
      const { timer } = peer.timers.next()!;
      peer.timers.stop(timer);
      this.#onTimer(peer, timer, now, out);
    }
  }

  /** When handleTimeout wants to be called next, and which timer that is. */
  pollTimeout(): Wakeup | undefined {
    const first = this.#state.timers.first();
    return first && { at: first.at, reason: first.owner.timers.next()!.timer };
  }

  /** The oldest event not yet fetched. */
  pollEvent(): DeviceEvent | undefined {
    return this.#state.events.shift();
  }

  // ── Packet workers ────────────────────────────────────────────────────────────────────────────────────────────────

  get workerBuffers(): WorkerBuffers {
    return this.#state.workers.buffers;
  }

  takeAllowedIpsTable(): SharedArrayBuffer | undefined {
    return this.#state.workers.takeAllowedIps(this.#state.allowedIps);
  }

  takeHandshakeKeys(): { readonly keys: HandshakeKeys | undefined } | undefined {
    const state = this.#state;
    if (state.handshakeKeys === 'published') return undefined;
    state.handshakeKeys = 'published';
    return { keys: state.identity?.cookies.keys };
  }

  whileAdmitted(admission: Admission, deliver: () => void): void {
    const state = this.#state;
    state.admittedByWorker = admission;
    try {
      deliver();
    } finally {
      state.admittedByWorker = undefined;
    }
  }

  /** By which packet workers, and filters, know the peer: another one may get it once this one is gone. */
  peerNumber(publicKey: PublicKey): number | undefined {
    return this.#find(publicKey)?.id;
  }

  /** Packets of both directions are judged by this table from now on, those that workers move once these have passed an epoch; by none if `undefined`. */
  setFilterTable(table: PacketFilterTable | undefined): void {
    this.#state.setFilterTable(table);
  }

  takeFilterTable(): { readonly table: PacketFilterTable | undefined } | undefined {
    return this.#state.workers.takeFilterTable();
  }

  handleWorkerTraffic(now: Instant, out: DeviceOutput): boolean {
    return this.#workerTraffic.takeNote(this.#state, now, out);
  }

  // ── Status ────────────────────────────────────────────────────────────────────────────────────────────────────────

  get peerCount(): number {
    return this.#state.peers.size;
  }

  get maxPeers(): number {
    return this.#state.maxPeers;
  }

  hasPeer(publicKey: PublicKey): boolean {
    return this.#find(publicKey) !== undefined;
  }

  /** A copy of a peer's preshared key, 32 bytes that the caller zeroes; all zeros stand for none. */
  presharedKeyOf(publicKey: PublicKey): Secret | undefined {
    const peer = this.#find(publicKey);
    return peer && Secret.copy(peer.presharedKey.expose());
  }

  /** Drops by reason since the start. */
  get counters(): Readonly<Record<string, number>> {
    return this.#state.counters;
  }

  /** The shared state of all sessions, for packet workers to attach to by its `buffer`. */
  get sessionTable(): SessionTable {
    return this.#state.sessions;
  }

  peerStatus(publicKey: PublicKey): PeerStatus | undefined {
    const peer = this.#find(publicKey);
    return peer && this.#statusOf(peer);
  }

  peerStatuses(): PeerStatus[] {
    return [...this.#state.peers.values()].map((peer) => this.#statusOf(peer));
  }

  #onTimer(peer: Peer, timer: PeerTimer, now: Instant, out: DeviceOutput): void {
    const state = this.#state;
    switch (timer) {
      case 'handshake-retry':
        state.forgetLocalAddress(peer);
        attemptHandshake(state, peer, now, out);
        break;
      case 'handshake-give-up':
        peer.timers.attemptsEnded();
        state.dropInitiation(peer);
        state.drop('handshake-gave-up', peer.staged.clear());
        state.events.push({ kind: 'handshake-gave-up', peer: peer.publicKey, at: now });
        break;
      case 'no-answer':
        state.forgetLocalAddress(peer);
        requestHandshake(state, peer, now, out);
        break;
      case 'passive-keepalive': {
        const another = peer.timers.takeAnotherKeepalive();
        sendKeepalive(state, peer, now, out);
        if (another) peer.timers.dataReceived(now);
        break;
      }
      case 'persistent-keepalive':
        peer.timers.traversed(now, peer.persistentKeepalive);
        sendKeepalive(state, peer, now, out);
        break;
      case 'session-expiry':
        state.retire(peer, peer.sessions.expireCurrent());
        state.events.push({ kind: 'session-expired', peer: peer.publicKey, at: now });
        break;
      case 'zero-keys':
        state.retire(peer, peer.sessions.clear());
        break;
      default:
        assertNever(timer);
    }
  }

  #statusOf(peer: Peer): PeerStatus {
    const state = this.#state;
    let { rxBytes, txBytes, lastReceivedAt, lastSentAt } = peer.totals;
    for (const session of peer.sessions.all) {
      const traffic = state.sessions.traffic(session);
      rxBytes += traffic.bytesReceived;
      txBytes += traffic.bytesSent;
      lastReceivedAt = laterOf(lastReceivedAt, traffic.lastReceivedAt);
      lastSentAt = laterOf(lastSentAt, traffic.lastSentAt);
    }
    return {
      publicKey: peer.publicKey,
      ...(peer.path && { path: peer.path }),
      allowedIps: state.allowedIps.prefixesOf(peer),
      persistentKeepalive: peer.persistentKeepalive,
      ...(peer.lastHandshakeAt !== undefined && { lastHandshakeAt: peer.lastHandshakeAt }),
      ...(lastReceivedAt !== undefined && { lastReceivedAt }),
      ...(lastSentAt !== undefined && { lastSentAt }),
      rxBytes,
      txBytes,
      session: peer.sessions.current ? 'established' : peer.handshake.kind === 'initiated' ? 'handshaking' : 'none',
      stagedPackets: peer.staged.size,
    };
  }

  #find(publicKey: PublicKey): Peer | undefined {
    return this.#state.peers.get(encodePublicKey(publicKey));
  }

  #require(publicKey: PublicKey): Peer {
    const peer = this.#find(publicKey);
    if (!peer) throw new WireGuardError('unknown-peer', `no peer ${encodePublicKey(publicKey)}`);
    return peer;
  }

  #add(publicKey: PublicKey): Peer {
    const state = this.#state;
    if (state.peers.size >= state.maxPeers) {
      throw new WireGuardError('too-many-peers', `the device is made for ${state.maxPeers} peers`);
    }
    const number = state.workers.takePeerNumber();
    if (number === undefined) {
      throw new WireGuardError('too-many-peers', 'the numbers of removed peers are still in use by packet workers');
    }
    const peer = new Peer(number, publicKey, state.crypto, state.timers, state.jitter);
    state.peers.set(peer.publicKeyText, peer);
    state.peersByNumber.set(peer.id, peer);
    return peer;
  }
}

function requireKeyLength(length: number): void {
  if (length !== KEY_LENGTH) throw new WireGuardError('bad-key-length', `a key has ${KEY_LENGTH} bytes, not ${length}`);
}
