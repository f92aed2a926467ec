// Thousands of nodes with nothing but what finds their paths: real path agents, probes under node:crypto, NATs, a relay and STUN,
// and in place of WireGuard datagrams that are only counted. One seed, one run.

import { generatePrivateKey, nodeCrypto, type PrivateKey } from '@shadownet/crypto';
import {
  type Call,
  type Candidate,
  deriveProbeKeys,
  DestinationLimiter,
  PathAgent,
  probeIdOf,
  ReflexiveDiscovery,
  traitsFromReflexive,
} from '@shadownet/paths';
import {
  addDuration,
  encodeHex,
  encodePublicKey,
  type Endpoint,
  type Instant,
  milliseconds,
  parseEndpoint,
  type Path,
  type PublicKey,
  publicKeyFromBytes,
  relayPath,
  TimerQueue,
  udpPath,
} from '@shadownet/primitives';
import { BindingServer, decodeStunMessage } from '@shadownet/stun';
import {
  type Access,
  buildSite,
  type LinkQuality,
  SeededRandom,
  type SimulatedCore,
  SimulatedNetwork,
  SimulatedRelay,
  type SimulatedSocket,
  type Site,
} from '@shadownet/testlab';

const STUN_SERVERS = ['203.0.113.10:3478', '203.0.113.11:3478'].map((text) => parseEndpoint(text)!);
const RELAY = 'relay';

/** Homes are not what is simulated: their networks cost no time. */
const NO_LAN: LinkQuality = { delay: [milliseconds(0), milliseconds(0)], loss: 0 };

/** Stands for a transport message of WireGuard, which it begins like; the rest tells where it comes from. */
const DATA_BYTES = 96;

export class PathMesh {
  readonly random: SeededRandom;
  readonly network: SimulatedNetwork;
  readonly relay: SimulatedRelay;
  readonly nodes: PathMeshNode[] = [];
  /** Datagrams with data: as said, and as heard, each once. */
  readonly traffic = { sent: 0, received: 0 };
  readonly #keys = new Map<string, PublicKey>();
  /** Numbers of datagrams. */
  readonly #heard = new Set<number>();

  constructor(seed: number, internet: LinkQuality, relayed: LinkQuality) {
    this.random = new SeededRandom(seed);
    this.network = new SimulatedNetwork(this.random, { internet, recording: false });
    this.relay = new SimulatedRelay(this.network, this.random, relayed);
    for (const { address, port } of STUN_SERVERS) {
      const server = new BindingServer({ maxPerSourcePerSecond: 50 });
      const socket = this.network.socket(this.network.internet, address, port);
      socket.onDatagram((datagram, from, now) => {
        const answer = server.answer(datagram, from, now);
        if (answer) socket.send(answer, from);
      });
    }
  }

  /** True for the first of two datagrams that are one and the same, which went two ways. */
  countOnce(datagram: Uint8Array): boolean {
    const number = new DataView(datagram.buffer, datagram.byteOffset).getUint32(8);
    if (this.#heard.has(number)) return false;
    this.#heard.add(number);
    this.traffic.received += 1;
    return true;
  }

  /** The key with that text. */
  keyOf(text: string): PublicKey | undefined {
    return this.#keys.get(text);
  }

  addNode(access: Access): PathMeshNode {
    const node = new PathMeshNode(
      this,
      buildSite(this.network, access, this.nodes.length + 1, this.random, NO_LAN),
      this.nodes.length,
    );
    this.nodes.push(node);
    this.#keys.set(node.keyText, node.publicKey);
    return node;
  }
}

/** One of a node's pairs. */
export class PathMeshLink {
  path: Path | undefined;
  /** Of the agent, looked at after each call to it. */
  deadline: Instant | undefined;

  constructor(
    readonly peer: PathMeshNode,
    readonly peerKey: PublicKey,
    readonly probeId: string,
    readonly agent: PathAgent,
  ) {}

  nextDeadline(): Instant | undefined {
    return this.deadline;
  }
}

export class PathMeshNode implements SimulatedCore {
  readonly privateKey: PrivateKey;
  readonly publicKey: PublicKey;
  readonly keyText: string;
  readonly #mesh: PathMesh;
  readonly #site: Site;
  readonly #socket: SimulatedSocket;
  #discovery: ReflexiveDiscovery;
  readonly #limiter = new DestinationLimiter();
  readonly #links = new Map<PathMeshNode, PathMeshLink>();
  readonly #byProbeId = new Map<string, PathMeshLink>();
  readonly #timers = new TimerQueue<PathMeshLink>();
  readonly #out = { datagram: (bytes: Uint8Array, path: Path) => this.#send(bytes, path) };
  readonly #seen = new Map<number, Endpoint>();
  #firstCounter = 1n;

  readonly #number: number;

  /** The number is its place among the nodes of the mesh. */
  constructor(mesh: PathMesh, site: Site, number: number) {
    this.#number = number;
    this.#mesh = mesh;
    this.#site = site;
    this.privateKey = nodeCrypto.privateKey(generatePrivateKey(mesh.random.bytes));
    this.publicKey = publicKeyFromBytes(this.privateKey.publicKey)!;
    this.keyText = encodePublicKey(this.publicKey);
    const { segment, address } = site.interfaces[0]!;
    this.#socket = mesh.network.socket(segment, address, 51820);
    this.#socket.onDatagram((datagram, from) => this.#receive(datagram, udpPath(from)), this);
    this.#discovery = new ReflexiveDiscovery({ random: mesh.random.bytes });
    mesh.network.attach(this);
    mesh.relay.connect(this.keyText, (datagram, from) => this.#receive(datagram, from), this);
    this.#askWhereWeAre();
  }

  get links(): readonly PathMeshLink[] {
    return [...this.#links.values()];
  }

  #askWhereWeAre(): void {
    if (this.#socket.local.address.family === 4) this.#discovery.setServers(STUN_SERVERS, this.#now, this.#out);
  }

  get call(): Call {
    const seen = [...this.#seen.values()];
    const candidates: Candidate[] = [{ kind: 'host', endpoint: this.#socket.local }];
    for (const endpoint of this.#discovery.reflexive) candidates.push({ kind: 'server-reflexive', endpoint });
    return { candidates, nat: traitsFromReflexive(seen, this.#socket.local.port) };
  }

  /** Tells this node of that peer, with the candidates that it has now. */
  know(peer: PathMeshNode): PathMeshLink {
    const keys = deriveProbeKeys(nodeCrypto, this.privateKey, peer.publicKey)!;
    const agent = new PathAgent({
      random: this.#mesh.random.bytes,
      crypto: nodeCrypto,
      keys,
      localPublicKey: this.publicKey,
      remotePublicKey: peer.publicKey,
      firstCounter: this.#firstCounter,
      limiter: this.#limiter,
      ownCall: () => this.call,
    });
    const link = new PathMeshLink(peer, peer.publicKey, encodeHex(keys.incomingId), agent);
    this.#links.set(peer, link);
    this.#byProbeId.set(link.probeId, link);
    agent.setRelay(relayPath(RELAY, peer.publicKey), this.#now);
    agent.setRemoteCandidates(peer.call.candidates, this.#now, this.#out);
    this.#settle(link);
    return link;
  }

  linkTo(peer: PathMeshNode): PathMeshLink | undefined {
    return this.#links.get(peer);
  }

  /** Sends a datagram with data by whatever path there is; one that asks is answered. */
  say(link: PathMeshLink, asks = false): void {
    const data = new Uint8Array(DATA_BYTES);
    data.set([4, 0, 0, 0, asks ? 1 : 0, this.#number >> 8, this.#number & 0xff]);
    new DataView(data.buffer).setUint32(8, this.#mesh.traffic.sent);
    this.#mesh.traffic.sent += 1;
    link.agent.trafficSent(this.#now, data.length);
    if (link.path) this.#send(data, link.path);
    const second = link.agent.duplicatePath;
    if (second) this.#send(data, second);
    this.#settle(link);
    this.#mesh.network.reschedule(this);
  }

  /** Starts anew behind a NAT that has forgotten everything: its peers are to find that out themselves. */
  restart(): void {
    for (const nat of this.#site.nats) nat.rebind();
    const peers = [...this.#links.keys()];
    for (const { agent } of this.#links.values()) {
      if (agent.nextCounter > this.#firstCounter) this.#firstCounter = agent.nextCounter;
    }
    for (const link of this.#links.values()) this.#timers.delete(link);
    this.#links.clear();
    this.#byProbeId.clear();
    this.#seen.clear();
    this.#discovery = new ReflexiveDiscovery({ random: this.#mesh.random.bytes });
    this.#askWhereWeAre();
    for (const peer of peers) this.know(peer);
    this.#mesh.network.reschedule(this);
  }

  pollTimeout() {
    const at = this.#timers.first()?.at;
    return at === undefined ? undefined : { at, reason: 'path agent' };
  }

  handleTimeout(now: Instant): void {
    for (let first = this.#timers.first(); first && first.at <= now; first = this.#timers.first()) {
      this.#timers.delete(first.owner);
      first.owner.agent.handleTimeout(now, this.#out);
      this.#settle(first.owner);
    }
  }

  get #now(): Instant {
    return this.#mesh.network.now;
  }

  #receive(datagram: Uint8Array, from: Path | string): void {
    const path = typeof from === 'string' ? this.#relayPathFrom(from) : from;
    if (!path) return;
    if (datagram[0] === 4) return this.#receiveData(datagram, path);
    const decoded = decodeStunMessage(datagram);
    if (!decoded.ok) return;
    if (path.kind === 'udp' && this.#discovery.handleMessage(decoded.message, path.remote, this.#now)) {
      return this.#noteReflexive();
    }
    const id = probeIdOf(decoded.message);
    const link = id && this.#byProbeId.get(encodeHex(id));
    if (!link) return;
    link.agent.handleProbe(decoded.message, datagram, path, this.#now, this.#out);
    this.#settle(link);
  }

  #receiveData(datagram: Uint8Array, path: Path): void {
    const link = this.#links.get(this.#mesh.nodes[datagram[5]! * 256 + datagram[6]!]!);
    if (!link) return;
    if (!this.#mesh.countOnce(datagram)) return;
    link.agent.trafficReceived(path, this.#now, datagram.length);
    if (path.kind === 'udp' && link.path?.kind !== 'udp') link.agent.learn(path, this.#now, this.#out);
    if (datagram[4] === 1) this.say(link);
    this.#settle(link);
  }

  #relayPathFrom(key: string): Path | undefined {
    const publicKey = this.#mesh.keyOf(key);
    return publicKey && relayPath(RELAY, publicKey);
  }

  #noteReflexive(): void {
    for (let event = this.#discovery.pollEvent(); event; event = this.#discovery.pollEvent()) {
      if (event.kind !== 'reflexive-address') continue;
      this.#seen.set(event.server.address.bytes[3]!, event.endpoint);
      for (const link of this.#links.values()) {
        link.agent.noteOwnCallChanged(this.#now, this.#out);
        this.#settle(link);
      }
    }
  }

  /** The deadlines of the discovery are not kept: what holds a mapping here is the traffic of the pairs. */
  #settle(link: PathMeshLink): void {
    for (let event = link.agent.pollEvent(); event; event = link.agent.pollEvent()) {
      if (event.kind === 'path-selected') link.path = event.path;
      else if (event.kind === 'path-lost') link.path = undefined;
      else if (event.kind === 'path-in-doubt') this.#discovery.refresh(this.#now, this.#out);
    }
    link.deadline = link.agent.pollTimeout()?.at;
    if (link.deadline !== undefined) this.#timers.lookAt(link, link.deadline);
  }

  #send(bytes: Uint8Array, path: Path): void {
    if (path.kind === 'relay') return this.#mesh.relay.send(this.keyText, encodePublicKey(path.peer), bytes);
    this.#socket.send(bytes, path.remote);
  }
}

/** A conversation: one side asks every 8 to 10 s, and the other one answers. */
export function converse(mesh: PathMesh, a: PathMeshNode, b: PathMeshNode): void {
  const ask = (): void => {
    const link = a.linkTo(b);
    if (link) a.say(link, true);
    mesh.network.at(addDuration(mesh.network.now, milliseconds(8000 + 2000 * mesh.random.fraction())), ask);
  };
  mesh.network.at(addDuration(mesh.network.now, milliseconds(10_000 * mesh.random.fraction())), ask);
}
