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
  udpPath,
  type Wakeup,
} from '@shadownet/primitives';
import { BindingServer, decodeStunMessage } from '@shadownet/stun';
import {
  buildSite,
  type LinkQuality,
  NAT_KINDS,
  type NatKind,
  SeededRandom,
  type SimulatedCore,
  SimulatedNetwork,
  SimulatedRelay,
  type SimulatedSocket,
} from '@shadownet/testlab';

const STUN_SERVERS = ['203.0.113.10:3478', '203.0.113.11:3478'].map((text) => parseEndpoint(text)!);
const RELAY = 'relay';

/** Homes are not what is simulated: their networks cost no time. */
const NO_LAN: LinkQuality = { delay: [milliseconds(0), milliseconds(0)], loss: 0 };

/** Stands for a transport message of WireGuard, which it begins like; the rest tells where it comes from. */
const DATA_BYTES = 64;
const DATA_TYPE = 4;

export class PathMesh {
  readonly random: SeededRandom;
  readonly network: SimulatedNetwork;
  readonly relay: SimulatedRelay;
  readonly nodes: PathMeshNode[] = [];
  /** Datagrams with data to peers that were there: as said, and as heard, each once. */
  readonly traffic = { sent: 0, received: 0 };
  readonly #byKey = new Map<string, PathMeshNode>();
  /** A bit for each number of a datagram. */
  #heard = new Uint8Array(1024);
  #nextSite = 1;

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

  /** It is not there before its `arrive`. */
  addNode(): PathMeshNode {
    const node = new PathMeshNode(this, this.nodes.length);
    this.nodes.push(node);
    this.#byKey.set(node.keyText, node);
    return node;
  }

  nodeOf(keyText: string): PathMeshNode | undefined {
    return this.#byKey.get(keyText);
  }

  /** A number that no site had before. */
  takeSiteNumber(): number {
    return this.#nextSite++;
  }

  /** True for the first of two datagrams that are one and the same, which went two ways. They are numbered from 1. */
  countOnce(number: number): boolean {
    if (number === 0) return true;
    const index = number >> 3;
    if (index >= this.#heard.length) {
      const grown = new Uint8Array(Math.max(index + 1, 2 * this.#heard.length));
      grown.set(this.#heard);
      this.#heard = grown;
    }
    const mask = 1 << (number & 7);
    if ((this.#heard[index]! & mask) !== 0) return false;
    this.#heard[index]! |= mask;
    this.traffic.received += 1;
    return true;
  }
}

/** What a node has while it is there. */
interface Presence {
  readonly kind: NatKind;
  readonly since: Instant;
  readonly socket: SimulatedSocket;
  readonly discovery: ReflexiveDiscovery;
  /** What each STUN server said, by the last byte of its address. */
  readonly seen: Map<number, Endpoint>;
  readonly links: Map<PathMeshNode, PathMeshLink>;
  readonly byProbeId: Map<string, PathMeshLink>;
}

export class PathMeshNode {
  readonly privateKey: PrivateKey;
  readonly publicKey: PublicKey;
  readonly keyText: string;
  /** In the order in which it got to know them. */
  readonly peers: PathMeshNode[] = [];
  readonly #limiter = new DestinationLimiter();
  readonly #out = { datagram: (bytes: Uint8Array, path: Path) => this.#send(bytes, path) };
  #presence: Presence | undefined;
  #firstCounter = 1n;

  /** The number is its place among the nodes of the mesh. */
  constructor(
    readonly mesh: PathMesh,
    readonly number: number,
  ) {
    this.privateKey = nodeCrypto.privateKey(generatePrivateKey(mesh.random.bytes));
    this.publicKey = publicKeyFromBytes(this.privateKey.publicKey)!;
    this.keyText = encodePublicKey(this.publicKey);
  }

  get presence(): Pick<Presence, 'kind' | 'since'> | undefined {
    return this.#presence;
  }

  get links(): readonly PathMeshLink[] {
    return this.#presence ? [...this.#presence.links.values()] : [];
  }

  linkTo(peer: PathMeshNode): PathMeshLink | undefined {
    return this.#presence?.links.get(peer);
  }

  /** Comes up in a network of its own of that kind, with addresses that nobody had before. */
  arrive(kind: NatKind): void {
    const { network, random, relay } = this.mesh;
    const site = buildSite(network, NAT_KINDS[kind], this.mesh.takeSiteNumber(), random, NO_LAN);
    const { segment, address } = site.interfaces[0]!;
    const socket = network.socket(segment, address, 51820);
    const discovery = new ReflexiveDiscovery({ random: random.bytes });
    const since = network.now;
    this.#presence = { kind, since, socket, discovery, seen: new Map(), links: new Map(), byProbeId: new Map() };
    socket.onDatagram((datagram, from) => this.#receive(datagram, udpPath(from)));
    relay.connect(this.keyText, (datagram, from) => this.#receiveRelayed(datagram, from));
    if (address.family === 4) discovery.setServers(STUN_SERVERS, network.now, this.#out);
    for (const peer of this.peers) this.#link(peer);
  }

  /** Is gone without a word. Its peers are to find that out themselves, and where it is when it is back. */
  leave(): void {
    const presence = this.#presence;
    if (!presence) return;
    for (const link of presence.links.values()) {
      this.mesh.network.detach(link);
      if (link.agent.nextCounter > this.#firstCounter) this.#firstCounter = link.agent.nextCounter;
    }
    presence.socket.close();
    this.mesh.relay.disconnect(this.keyText);
    this.#presence = undefined;
  }

  /** Tells this node of that peer. */
  know(peer: PathMeshNode): void {
    this.peers.push(peer);
    this.#link(peer);
  }

  /** Where it is to be found, as far as it knows. */
  get call(): Call {
    const presence = this.#presence;
    if (!presence) return { candidates: [], nat: traitsFromReflexive([], undefined) };
    const { local } = presence.socket;
    const candidates: Candidate[] = [{ kind: 'host', endpoint: local }];
    for (const endpoint of presence.discovery.reflexive) candidates.push({ kind: 'server-reflexive', endpoint });
    return { candidates, nat: traitsFromReflexive([...presence.seen.values()], local.port) };
  }

  /** Sends a datagram with data by whatever path there is; one that asks is answered. */
  say(link: PathMeshLink, asks = false): void {
    const data = new Uint8Array(DATA_BYTES);
    data[0] = DATA_TYPE;
    data[4] = asks ? 1 : 0;
    writeU32(data, 8, this.number);
    const { now } = this.mesh.network;
    if (link.peer.presence) writeU32(data, 12, ++this.mesh.traffic.sent);
    link.agent.trafficSent(now, data.length);
    if (link.path) this.#send(data, link.path);
    const second = link.agent.duplicatePath;
    if (second) this.#send(data, second);
    this.#settle(link);
  }

  /** An agent for that peer, with the candidates that it has now. */
  #link(peer: PathMeshNode): void {
    const presence = this.#presence;
    if (!presence) return;
    const { random, network } = this.mesh;
    const keys = deriveProbeKeys(nodeCrypto, this.privateKey, peer.publicKey)!;
    const agent = new PathAgent({
      random: random.bytes,
      crypto: nodeCrypto,
      keys,
      localPublicKey: this.publicKey,
      remotePublicKey: peer.publicKey,
      firstCounter: this.#firstCounter,
      limiter: this.#limiter,
      ownCall: () => this.call,
    });
    const link = new PathMeshLink(peer, relayPath(RELAY, peer.publicKey), agent, (each, now) => {
      each.agent.handleTimeout(now, this.#out);
      this.#settle(each);
    });
    presence.links.set(peer, link);
    presence.byProbeId.set(encodeHex(keys.incomingId), link);
    agent.setRelay(link.relay, network.now);
    agent.setRemoteCandidates(peer.call.candidates, network.now, this.#out);
    network.attach(link);
    this.#settle(link);
  }

  #receive(datagram: Uint8Array, path: Path): void {
    const presence = this.#presence;
    if (!presence) return;
    if (datagram[0] === DATA_TYPE) return this.#receiveData(datagram, path);
    const decoded = decodeStunMessage(datagram);
    if (!decoded.ok) return;
    const { now } = this.mesh.network;
    const id = probeIdOf(decoded.message);
    if (id) {
      const link = presence.byProbeId.get(encodeHex(id));
      if (!link) return;
      link.agent.handleProbe(decoded.message, datagram, path, now, this.#out);
      this.#settle(link);
    } else if (path.kind === 'udp' && presence.discovery.handleMessage(decoded.message, path.remote, now)) {
      this.#noteReflexive(presence);
    }
  }

  #receiveRelayed(datagram: Uint8Array, from: string): void {
    const peer = this.mesh.nodeOf(from);
    const link = peer && this.linkTo(peer);
    if (link) this.#receive(datagram, link.relay);
  }

  #receiveData(datagram: Uint8Array, path: Path): void {
    const { network, nodes } = this.mesh;
    const link = this.linkTo(nodes[readU32(datagram, 8)]!);
    if (!link || !this.mesh.countOnce(readU32(datagram, 12))) return;
    link.agent.trafficReceived(path, network.now, datagram.length);
    if (path.kind === 'udp' && link.path?.kind !== 'udp') link.agent.learn(path, network.now, this.#out);
    if (datagram[4] === 1) this.say(link);
    else this.#settle(link);
  }

  #noteReflexive({ discovery, seen, links }: Presence): void {
    for (let event = discovery.pollEvent(); event; event = discovery.pollEvent()) {
      if (event.kind !== 'reflexive-address') continue;
      seen.set(event.server.address.bytes[3]!, event.endpoint);
      for (const link of links.values()) {
        link.agent.noteOwnCallChanged(this.mesh.network.now, this.#out);
        this.#settle(link);
      }
    }
  }

  /** The deadlines of the discovery are not kept: what holds a mapping here is the traffic of the pairs. */
  #settle(link: PathMeshLink): void {
    const { network } = this.mesh;
    for (let event = link.agent.pollEvent(); event; event = link.agent.pollEvent()) {
      if (event.kind === 'path-selected') link.path = event.path;
      else if (event.kind === 'path-lost') link.path = undefined;
      else if (event.kind === 'path-in-doubt') this.#presence?.discovery.refresh(network.now, this.#out);
    }
    if (link.lookAgain()) network.reschedule(link);
  }

  #send(bytes: Uint8Array, path: Path): void {
    if (path.kind === 'udp') return this.#presence?.socket.post(bytes, path.remote);
    this.mesh.relay.send(this.keyText, encodePublicKey(path.peer), bytes);
  }
}

/** One of a node's pairs. */
export class PathMeshLink implements SimulatedCore {
  path: Path | undefined;
  /** Of the agent, looked at after each call to it. */
  #wakeup: Wakeup | undefined;

  constructor(
    readonly peer: PathMeshNode,
    readonly relay: Path & { kind: 'relay' },
    readonly agent: PathAgent,
    private readonly onTimeout: (link: PathMeshLink, now: Instant) => void,
  ) {}

  /** Asks the agent when it has something to do. True if that is earlier than it was. */
  lookAgain(): boolean {
    const before = this.#wakeup;
    this.#wakeup = this.agent.pollTimeout();
    return this.#wakeup !== undefined && (before === undefined || this.#wakeup.at < before.at);
  }

  pollTimeout(): Wakeup | undefined {
    return this.#wakeup;
  }

  handleTimeout(now: Instant): void {
    this.onTimeout(this, now);
  }
}

/** A conversation: one side asks every 8 to 10 s, and the other one answers. Who is not there says nothing. */
export function converse(mesh: PathMesh, a: PathMeshNode, b: PathMeshNode): void {
  const ask = (): void => {
    const link = a.linkTo(b);
    if (link) a.say(link, true);
    mesh.network.at(addDuration(mesh.network.now, milliseconds(8000 + 2000 * mesh.random.fraction())), ask);
  };
  mesh.network.at(addDuration(mesh.network.now, milliseconds(10_000 * mesh.random.fraction())), ask);
}

function writeU32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}

function readU32(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset]! << 24) | (bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!) >>> 0;
}
