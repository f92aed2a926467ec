// A node's core without a network: the WireGuard engine, one path agent per peer and the discovery of our own address, behind
// one set of handle…() and poll…() calls. It decides when to search for whom, who starts the handshake, and what a network map
// changes. Used by the node's runtime and by the simulator.

import type { MapDelta, NetworkMap, Peer } from '@shadownet/contracts';
import type { PrivateKey } from '@shadownet/crypto';
import {
  type Candidate,
  deriveProbeKeys,
  DestinationLimiter,
  type LossReason,
  type NatTraits,
  PathAgent,
  type PathEvent,
  probeIdOf,
  type Recording,
} from '@shadownet/paths';
import { statefulFilter } from '@shadownet/packetfilter';
import {
  assertNever,
  comparePublicKeys,
  earliestWakeup,
  type Endpoint,
  formatEndpoint,
  type Instant,
  type IpAddress,
  type IpPrefix,
  milliseconds,
  parseIpPrefix,
  parsePublicKey,
  type Path,
  type PublicKey,
  publicKeyFromBytes,
  type PublicKeyText,
  relayPath,
  type Wakeup,
} from '@shadownet/primitives';
import type { StunMessage } from '@shadownet/stun';
import {
  describePeers,
  Device,
  type DeviceEvent,
  type DeviceOutput,
  type PacketWorkerHost,
  type RelayRoutes,
  type UapiPeer,
  type WorkerTransfer,
} from '@shadownet/wireguard';
import { classifyDatagram } from './demultiplexer.js';
import { linkStatus } from './link-status.js';
import { applyMapDelta, compareMapVersions, diffNetworkMap } from './network-map.js';
import { peerCandidates } from './peer-candidates.js';
import { OwnAddresses } from './own-addresses.js';
import { PeerFilter } from './peer-filter.js';
import { PeerLink } from './peer-link.js';
import { PeerLinks } from './peer-links.js';
import { TunnelError } from './tunnel-error.js';
import type { MapUpdate, TunnelEvent, TunnelOptions, TunnelOutput, TunnelStatus } from './tunnel-types.js';

/** The probe keepalive of 10–12 s holds the NAT mapping and watches the path; a second one would only double the traffic. */
const PERSISTENT_KEEPALIVE = milliseconds(0);

/** A transport message without a packet in it: 16 bytes of header and the tag (whitepaper §5.4.6). */
const KEEPALIVE_BYTES = 32;
const INITIATION_TYPE = 1;
const TRANSPORT_TYPE = 4;

type PathSelected = Extract<PathEvent, { kind: 'path-selected' }>;

export class Tunnel {
  readonly publicKey: PublicKey;
  /** What a data plane with packet workers needs of the engine, and nobody else: the workers' memory holds session keys. */
  readonly packetWorkers: PacketWorkerHost;
  readonly #options: TunnelOptions;
  readonly #privateKey: PrivateKey;
  readonly #device: Device;
  readonly #own: OwnAddresses;
  readonly #limiter = new DestinationLimiter();
  readonly #links = new PeerLinks();
  readonly #counters = new Map<string, number>();
  readonly #events: TunnelEvent[] = [];
  /** Above what was used towards peers that are gone, of which one may come back and remember. */
  #firstProbeCounter: bigint;
  #map: NetworkMap | undefined;
  readonly #filter = new PeerFilter();
  #addresses: readonly IpAddress[] = [];
  /** Links so far. */
  #incarnations = 0;
  /** The reflexive addresses that our last calls may have told. */
  #lastSeenAs = '';

  /** Throws TunnelError 'bad-private-key' if the key is not 32 bytes. */
  constructor(options: TunnelOptions, now: Instant) {
    if (options.privateKey.length !== 32) throw new TunnelError('bad-private-key', 'a private key has 32 bytes');
    const { crypto, random, timestamps, privateKey, workerPairs = 1 } = options;
    this.#options = options;
    this.#firstProbeCounter = options.firstProbeCounter;
    this.#privateKey = crypto.privateKey(privateKey.expose());
    this.publicKey = publicKeyFromBytes(this.#privateKey.publicKey)!;
    this.#device = new Device({
      ...{ crypto, random, timestamps, workerPairs },
      endpoints: 'external',
      packetFilter: statefulFilter,
    });
    this.#device.setPrivateKey(privateKey.expose(), now);
    this.packetWorkers = this.#packetWorkerHost();
    this.#own = new OwnAddresses(options);
  }

  // ── Configuration ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Takes the map, unless it is older than the one that is there. Peers that are offline stay configured. */
  updateNetworkMap(next: NetworkMap, now: Instant, out: TunnelOutput): MapUpdate {
    const old = this.#map;
    if (old && compareMapVersions(next.map_version, old.map_version) < 0) return { ok: false, reason: 'older-version' };
    this.#map = next;
    const { added, changed, removed } = diffNetworkMap(old, next);
    for (const peer of removed) this.#removePeer(peer, now);
    for (const peer of added) this.#addPeer(peer, now, out);
    for (const peer of changed) this.#changePeer(peer, now, out);
    this.#updateFilter();
    this.#drain(now, out);
    const counts = { added: added.length, changed: changed.length, removed: removed.length };
    return { ok: true, version: next.map_version, peers: this.#links.size, ...counts };
  }

  /** What changed since an older version of the map. */
  applyMapDelta(delta: MapDelta, now: Instant, out: TunnelOutput): MapUpdate {
    const applied = applyMapDelta(this.#map, delta);
    return applied.ok ? this.updateNetworkMap(applied.map, now, out) : applied;
  }

  /** Asks these STUN servers where we are, at once and from now on. */
  setStunServers(servers: readonly Endpoint[], now: Instant, out: TunnelOutput): void {
    this.#own.setServers(servers, now, out);
    this.#drain(now, out);
  }

  /** Our own addresses. If they changed then so did the network: reflexive address and paths are checked. */
  setHostCandidates(endpoints: readonly Endpoint[], now: Instant, out: TunnelOutput): void {
    if (!this.#own.setHost(endpoints, now, out)) return;
    for (const link of this.#links.all()) {
      this.#links.agentOf(link).setRemoteCandidates(this.#candidatesOf(link.peer), now, out);
    }
    this.#checkPaths(now, out);
    this.#drain(now, out);
  }

  /** The endpoint that a router forwards to our socket, as far as there is one: announced from now on. */
  setMappedEndpoint(endpoint: Endpoint | undefined): void {
    this.#own.mapped = endpoint;
  }

  /** Time has passed unnoticed, or packets take another way out: reflexive address and paths are checked. */
  recheckNetwork(now: Instant, out: TunnelOutput): void {
    this.#own.refresh(now, out);
    this.#checkPaths(now, out);
    this.#drain(now, out);
  }

  /**
   * The relay at which a peer can be reached now, or that there is none. Data goes by it while no path is direct; calls make
   * both sides search in the same moment.
   */
  setPeerRelay(publicKey: PublicKey, relay: string | undefined, now: Instant, out: TunnelOutput): void {
    const link = this.#links.ofPeer(publicKey);
    if (!link) return;
    this.#links.agentOf(link).setRelay(relay === undefined ? undefined : relayPath(relay, publicKey), now);
    this.#drain(now, out);
  }

  /** How packet workers send by relays; to be called again whenever that may have changed. */
  useRelayRoutes(routes: RelayRoutes): void {
    this.#device.useRelayRoutes(routes);
  }

  /** A relay knows our address again: what was said by it a moment before may be lost, so peers that are looked for are called anew. */
  callAgain(now: Instant, out: TunnelOutput): void {
    this.#tellOwnCall(now, out);
    this.#drain(now, out);
  }

  /** Probes the path that data for the peer takes now; the answer is told as 'pong'. False if there is no path, or no such peer. */
  ping(publicKey: PublicKey, now: Instant, out: TunnelOutput): boolean {
    const link = this.#links.ofPeer(publicKey);
    const isSent = link !== undefined && this.#links.agentOf(link).ping(now, out);
    this.#drain(now, out);
    return isSent;
  }

  /** The further sockets that the search for a peer asked for, by their numbers in paths. */
  useSockets(publicKey: PublicKey, sockets: readonly number[], now: Instant, out: TunnelOutput): void {
    const link = this.#links.ofPeer(publicKey);
    if (link) this.#links.agentOf(link).useSockets(sockets, now);
    else this.#events.push({ kind: 'sockets-unneeded', sockets });
    this.#drain(now, out);
  }

  /** What the NAT in front of us is like, as measured; until then it is inferred from what STUN servers see. */
  setNatTraits(traits: NatTraits, now: Instant, out: TunnelOutput): void {
    this.#own.measuredNat = traits;
    this.#tellOwnCall(now, out);
    this.#drain(now, out);
  }

  /** Our own virtual addresses: where the map restricts peers, packets for others are not let in. */
  setVirtualAddresses(addresses: readonly IpAddress[]): void {
    this.#addresses = addresses;
    this.#updateFilter();
  }

  /** The MTU of the host's interface, in bytes: packets are not padded beyond it. */
  setMtu(mtu: number): void {
    this.#device.setMtu(mtu);
  }

  /** Forgets all peers and zeroes their keys and ours. The tunnel must not be used afterwards. */
  close(now: Instant): void {
    for (const link of this.#links.all()) this.#removeLink(link, now);
    this.#privateKey.zero();
  }

  // ── Traffic ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** An IP packet from the host. What has no peer or is no IP packet is counted and dropped. */
  handlePacket(packet: Uint8Array, now: Instant, out: TunnelOutput): void {
    this.#device.handlePacket(packet, now, this.#deviceOutput(now, out));
    this.#drain(now, out);
  }

  /** A datagram that came by `from`. Never throws for what it holds; what is nobody's is counted and dropped. */
  handleDatagram(datagram: Uint8Array, from: Path, now: Instant, out: TunnelOutput): void {
    const classified = classifyDatagram(datagram);
    switch (classified.kind) {
      case 'wireguard':
        this.#handleWireGuard(datagram, from, now, out);
        break;
      case 'stun':
        this.#handleStun(classified.message, datagram, from, now, out);
        break;
      case 'malformed-stun':
      case 'unknown':
        this.#count(`datagram-${classified.kind}`);
        return;
      default:
        assertNever(classified);
    }
    this.#drain(now, out);
  }

  /** "Call me maybe" of a peer, as the control server has handed it on. What is none, or of nobody, is counted and dropped. */
  handleCall(message: Uint8Array, now: Instant, out: TunnelOutput): void {
    const classified = classifyDatagram(message);
    const stun = classified.kind === 'stun' ? classified.message : undefined;
    const probeId = stun && probeIdOf(stun);
    const link = probeId && this.#links.ofProbeId(probeId);
    if (!link) return this.#count('call-unexpected');
    const result = this.#links.agentOf(link).handleCall(stun!, message, now, out);
    if (!result.ok) this.#count(`call-${result.reason}`);
    this.#drain(now, out);
  }

  #packetWorkerHost(): PacketWorkerHost {
    const device = this.#device;
    return {
      workerBuffers: device.workerBuffers,
      sessionTable: device.sessionTable,
      takeAllowedIpsTable: () => device.takeAllowedIpsTable(),
      takeHandshakeKeys: () => device.takeHandshakeKeys(),
      whileAdmitted: (admission, deliver) => device.whileAdmitted(admission, deliver),
      takeFilterTable: () => device.takeFilterTable(),
      handleWorkerTraffic: (now, out) => {
        const any = device.handleWorkerTraffic(now, this.#deviceOutput(now, out));
        this.#drain(now, out);
        return any;
      },
    };
  }

  // ── Time ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Does all that is due. Calling it early does nothing. */
  handleTimeout(now: Instant, out: TunnelOutput): void {
    this.#device.handleTimeout(now, this.#deviceOutput(now, out));
    this.#own.handleTimeout(now, out);
    for (const link of this.#links.takeDue(now)) {
      this.#links.agentOf(link).handleTimeout(now, out);
      if (link.handshakeAt !== undefined && now >= link.handshakeAt) this.#initiateUnlessEstablished(link, now, out);
    }
    this.#drain(now, out);
  }

  /** When handleTimeout wants to be called next, and why. */
  pollTimeout(): Wakeup | undefined {
    return earliestWakeup(this.#device.pollTimeout(), this.#own.pollTimeout(), this.#links.pollTimeout());
  }

  /** The oldest event not yet fetched. */
  pollEvent(): TunnelEvent | undefined {
    return this.#events.shift();
  }

  // ── Status ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Our addresses as STUN servers see them, the latest answer first. */
  get reflexive(): readonly Endpoint[] {
    return this.#own.reflexive;
  }

  /** The one of them to announce as our endpoint. */
  get endpoint(): Endpoint | undefined {
    return this.#own.endpoint;
  }

  get hostCandidates(): readonly Endpoint[] {
    return this.#own.host;
  }

  /** What to announce to the other nodes. */
  get candidates(): Candidate[] {
    return this.#own.candidates;
  }

  /** The newest map that was taken. */
  get networkMap(): NetworkMap | undefined {
    return this.#map;
  }

  /** As the network map names them. */
  get peers(): readonly Peer[] {
    return this.#map?.peers ?? [];
  }

  status(now: Instant): TunnelStatus {
    return {
      publicKey: this.publicKey,
      mapVersion: this.#map?.map_version,
      reflexive: this.reflexive,
      peers: this.#links.all().map((link) => linkStatus(link, this.#device, now)),
      counters: this.#allCounters(),
    };
  }

  /** What happened in the search for a path to a peer, for `explain` and for a replay; `undefined` for one that is not there. */
  recordingOf(publicKey: PublicKey): Recording | undefined {
    return this.#links.ofPeer(publicKey)?.agent.recording;
  }

  /**
   * The peers as the engine has them, in the terms of the WireGuard UAPI. `wallNanoseconds` turns an instant into nanoseconds
   * since the Unix epoch. The preshared keys are copies that the caller zeroes.
   */
  describePeers(wallNanoseconds: (at: Instant) => bigint): UapiPeer[] {
    return describePeers(this.#device, wallNanoseconds);
  }

  // ── Peers ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  #addPeer(peer: Peer, now: Instant, out: TunnelOutput): void {
    if (this.#linkOf(peer)) return this.#changePeer(peer, now, out);
    const publicKey = parsePublicKey(peer.public_key);
    const keys = publicKey && deriveProbeKeys(this.#options.crypto, this.#privateKey, publicKey);
    if (!keys) return this.#count('map-unfit-key');
    const agent = new PathAgent({
      random: this.#options.random,
      crypto: this.#options.crypto,
      keys,
      localPublicKey: this.publicKey,
      remotePublicKey: publicKey,
      firstCounter: this.#firstProbeCounter,
      overlayPrefixes: this.#overlay(),
      limiter: this.#limiter,
      ownCall: () => this.#own.call,
      guessing: this.#options.guessing ?? false,
    });
    const initiates = comparePublicKeys(this.publicKey, publicKey) < 0;
    const link = new PeerLink(publicKey, peer, keys, agent, ++this.#incarnations, initiates);
    this.#links.add(link);
    this.#configure(link, now, out);
    this.#links.agentOf(link).setRemoteCandidates(this.#candidatesOf(peer), now, out);
    if (peer.online && this.#options.search !== 'on-traffic') agent.start(now, out);
  }

  #changePeer(peer: Peer, now: Instant, out: TunnelOutput): void {
    const link = this.#linkOf(peer);
    if (!link) return;
    const before = link.peer;
    link.peer = peer;
    if (before.allowed_ips.join() !== peer.allowed_ips.join()) this.#configure(link, now, out);
    this.#links.agentOf(link).setRemoteCandidates(this.#candidatesOf(peer), now, out);
    // Back again, perhaps as a new process: a path that is in use is checked, an unknown one searched.
    const isWorthIt = this.#options.search !== 'on-traffic' || link.path?.kind === 'udp';
    if (peer.online && !before.online && isWorthIt) link.agent.start(now, out);
  }

  /** Before anything of a peer that was added can come in: what the table does not know is denied. */
  #updateFilter(): void {
    const peers = this.#links.all().flatMap(({ publicKey, peer, incarnation }) => {
      const number = this.#device.peerNumber(publicKey);
      return number === undefined ? [] : [{ peer, number, incarnation }];
    });
    const update = this.#filter.update(peers, this.#addresses);
    if (update) this.#device.setFilterTable(update.table);
  }

  #removePeer(peer: Peer, now: Instant): void {
    const link = this.#linkOf(peer);
    if (link) this.#removeLink(link, now);
  }

  #removeLink(link: PeerLink, now: Instant): void {
    link.agent.stop(now);
    for (let event = link.agent.pollEvent(); event; event = link.agent.pollEvent()) {
      if (event.kind === 'sockets-unneeded') this.#events.push(event);
    }
    if (link.agent.nextCounter > this.#firstProbeCounter) this.#firstProbeCounter = link.agent.nextCounter;
    this.#device.removePeer(link.publicKey, now);
    this.#links.remove(link);
    link.zero();
  }

  #configure(link: PeerLink, now: Instant, out: TunnelOutput): void {
    const allowedIps = link.peer.allowed_ips.flatMap((text) => parseIpPrefix(text) ?? []);
    const configuration = { publicKey: link.publicKey, allowedIps, persistentKeepalive: PERSISTENT_KEEPALIVE };
    this.#device.upsertPeer(configuration, now, this.#deviceOutput(now, out));
  }

  #checkPaths(now: Instant, out: TunnelOutput): void {
    for (const link of this.#links.all()) {
      if (link.path && link.agent.status(now).state !== 'idle') this.#links.agentOf(link).start(now, out);
    }
  }

  #candidatesOf(peer: Peer): Candidate[] {
    return peerCandidates(peer, this.#own.host);
  }

  #overlay(): IpPrefix[] {
    const prefix = this.#map && parseIpPrefix(this.#map.network_cidr);
    return prefix ? [prefix] : [];
  }

  /** The network map has the key as text, which was checked when it was read. */
  #linkOf(peer: Peer): PeerLink | undefined {
    return this.#links.ofKeyText(peer.public_key as PublicKeyText);
  }

  // ── Datagrams ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #handleWireGuard(datagram: Uint8Array, path: Path, now: Instant, out: TunnelOutput): void {
    const result = this.#device.handleDatagram(datagram, path, now, this.#deviceOutput(now, out));
    if (result.ok) {
      const link = this.#links.ofPeer(result.peer);
      if (link) this.#links.agentOf(link).trafficReceived(path, now, datagram.length);
      return;
    }
    const link = this.#links.ofPath(path);
    if (!link) return;
    // The peer speaks under a session that we don't have, because we were restarted: it would take it 15 s to find out.
    if (result.reason === 'unknown-index') this.#initiateUnlessEstablished(link, now, out);
  }

  #handleStun(message: StunMessage, datagram: Uint8Array, from: Path, now: Instant, out: TunnelOutput): void {
    if (from.kind === 'udp' && this.#own.handleMessage(message, from, now)) return;
    const probeId = probeIdOf(message);
    if (!probeId) return this.#count('stun-unexpected');
    const link = this.#links.ofProbeId(probeId);
    if (!link) return this.#count('probe-unknown-id');
    const result = this.#links.agentOf(link).handleProbe(message, datagram, from, now, out);
    if (!result.ok) this.#count(`probe-${result.reason}`);
  }

  /** What the engine sends, with a note to the path agent whose liveness it concerns. */
  #deviceOutput(now: Instant, out: TunnelOutput): DeviceOutput {
    return {
      datagram: (bytes, path, trafficClass) => {
        const link = this.#links.ofPath(path);
        if (link && wantsAnswer(bytes)) this.#links.agentOf(link).trafficSent(now, bytes.length);
        out.datagram(bytes, path, trafficClass);
        const second = link?.agent.duplicatePath;
        if (second) out.datagram(bytes, second, trafficClass);
      },
      packet: (bytes, peer) => out.packet(bytes, peer),
    };
  }

  // ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Acts on what the parts report until none has anything more to say; each may cause events of the others. */
  #drain(now: Instant, out: TunnelOutput): void {
    for (let active = true; active;) {
      active = false;
      for (let event = this.#device.pollEvent(); event; event = this.#device.pollEvent()) {
        active = true;
        this.#onDeviceEvent(event, now, out);
      }
      for (let event = this.#own.pollEvent(); event; event = this.#own.pollEvent()) {
        active = true;
        this.#events.push(event);
        if (event.kind === 'stun-result') this.#noteOwnAddresses(now, out);
      }
      for (const link of this.#links.takeTouched()) {
        for (let event = link.agent.pollEvent(); event; event = link.agent.pollEvent()) {
          active = true;
          this.#onPathEvent(link, event, now, out);
        }
        this.#chooseSender(link);
      }
    }
  }

  /** Workers know of one path; what has to go by a second one, too, passes through the engine. */
  #chooseSender(link: PeerLink): void {
    const sender = link.agent.duplicatePath ? 'core' : 'workers';
    if (sender === link.sender) return;
    link.sender = sender;
    this.#device.setPeerSender(link.publicKey, sender);
  }

  /** Where we are seen may be news to those peers that we are looking for. */
  #noteOwnAddresses(now: Instant, out: TunnelOutput): void {
    const seen = this.reflexive.map(formatEndpoint).sort().join();
    if (seen === this.#lastSeenAs) return;
    this.#lastSeenAs = seen;
    for (const link of this.#links.all()) this.#links.agentOf(link).noteAddressChanged(now, out);
  }

  #tellOwnCall(now: Instant, out: TunnelOutput): void {
    for (const link of this.#links.all()) this.#links.agentOf(link).noteOwnCallChanged(now, out);
  }

  #onDeviceEvent(event: DeviceEvent, now: Instant, out: TunnelOutput): void {
    const link = this.#links.ofPeer(event.peer);
    if (!link) return;
    switch (event.kind) {
      case 'handshake-completed':
        link.handshakeAt = undefined;
        this.#events.push({ kind: 'handshake-completed', peer: link.name, role: event.role });
        return;
      case 'handshake-gave-up':
        this.#events.push({ kind: 'handshake-gave-up', peer: link.name });
        return;
      case 'authenticated-from':
        if (event.path.kind === 'relay') return this.#links.agentOf(link).trafficReceived(event.path, now);
        return this.#links.agentOf(link).learn(event.path, now, out);
      case 'traffic':
        return this.#noteWorkerTraffic(link, event.sent, event.received);
      case 'handshake-wanted':
        return this.#onDemand(link, now, out);
      case 'session-expired':
      case 'path-changed':
        return;
      default:
        assertNever(event);
    }
  }

  /** Data that passed by the workers says as much about the path: what came last answers all that was sent before. */
  #noteWorkerTraffic(link: PeerLink, sent: WorkerTransfer | undefined, received: WorkerTransfer | undefined): void {
    if (!link.path) return;
    const agent = this.#links.agentOf(link);
    const isAnswered = sent && received && sent.at <= received.at;
    if (sent && isAnswered) agent.trafficSent(sent.at, sent.largestBytes);
    if (received) agent.trafficReceived(link.path, received.at, received.largestBytes);
    if (sent && !isAnswered) agent.trafficSent(sent.at, sent.largestBytes);
  }

  /** Packets wait for a path: worth a search now, even for a peer that is said to be offline. A running one goes on. */
  #onDemand(link: PeerLink, now: Instant, out: TunnelOutput): void {
    const { state } = link.agent.status(now);
    if (state !== 'idle' && state !== 'waiting') return;
    if (link.takeDemand(now)) this.#links.agentOf(link).start(now, out);
  }

  #onPathEvent(link: PeerLink, event: PathEvent, now: Instant, out: TunnelOutput): void {
    switch (event.kind) {
      case 'path-selected':
        return this.#onPathSelected(link, event, now, out);
      case 'path-lost':
        return this.#onPathLost(link, event.reason, now, out);
      case 'search-started': {
        const { candidates } = link.agent.status(now);
        this.#events.push({ kind: 'search-started', peer: link.name, reason: event.reason, candidates });
        return;
      }
      case 'search-paused': {
        // Who is offline is not looked for again and again: the map, its own probes or our packets say when to.
        if (!link.peer.online) link.agent.stop(now);
        const retryAt = link.peer.online ? event.retryAt : undefined;
        this.#events.push({ kind: 'search-paused', peer: link.name, retryAt });
        return;
      }
      case 'rtt':
        return;
      case 'path-in-doubt':
        this.#events.push({ kind: 'path-in-doubt', peer: link.name });
        return this.#own.refresh(now, out);
      case 'pong':
      case 'path-mtu':
      case 'call-by-control':
      case 'sockets-wanted':
        this.#events.push({ ...event, peer: link.name });
        return;
      case 'sockets-unneeded':
        this.#events.push(event);
        return;
      default:
        assertNever(event);
    }
  }

  #onPathSelected(link: PeerLink, { path, rtt }: PathSelected, now: Instant, out: TunnelOutput): void {
    this.#links.setPath(link, path);
    if (path.kind === 'relay') this.#events.push({ kind: 'relayed', peer: link.name, path });
    else this.#events.push({ kind: 'path-confirmed', peer: link.name, path, rtt: rtt! });
    this.#device.setPeerPath(link.publicKey, path, now, this.#deviceOutput(now, out));
    // A relay is there for whoever has something to say: without that nobody needs a session.
    if (link.agent.status(now).state === 'idle') return;
    if (link.initiates) this.#initiateUnlessEstablished(link, now, out);
    else link.expectHandshake(now);
  }

  /** A NAT that rebinds changes our own address, too: it is asked for at once, so that the peer can be told. */
  #onPathLost(link: PeerLink, reason: LossReason, now: Instant, out: TunnelOutput): void {
    this.#links.setPath(link, undefined);
    this.#device.setPeerPath(link.publicKey, undefined, now, this.#deviceOutput(now, out));
    this.#events.push({ kind: 'path-lost', peer: link.name, reason });
    if (reason !== 'idle' && reason !== 'relay-gone') this.#own.refresh(now, out);
  }

  #initiateUnlessEstablished(link: PeerLink, now: Instant, out: TunnelOutput): void {
    link.handshakeAt = undefined;
    if (this.#device.peerStatus(link.publicKey)?.session === 'established') return;
    this.#device.initiateHandshake(link.publicKey, now, this.#deviceOutput(now, out));
  }

  // ── Numbers ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #count(name: string): void {
    this.#counters.set(name, (this.#counters.get(name) ?? 0) + 1);
  }

  #allCounters(): Record<string, number> {
    const ofEngine = Object.entries(this.#device.counters).filter(([, count]) => count > 0);
    return Object.fromEntries([...ofEngine, ...this.#counters]);
  }
}

/** Data and initiations are answered by somebody who is there; keepalives, responses and cookies are not. */
function wantsAnswer(message: Uint8Array): boolean {
  const type = message[0];
  return type === INITIATION_TYPE || (type === TRANSPORT_TYPE && message.length > KEEPALIVE_BYTES);
}
