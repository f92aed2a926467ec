// A mesh on a simulated network: the real tunnels of libs/tunnel behind modelled NATs, a STUN server, and a control server that
// is reduced to what it does to tunnels: it hands each the others' announcements. One seed, one run.

import { generatePrivateKey, nodeCrypto } from '@shadownet/crypto';
import type { NetworkMap, Peer } from '@shadownet/contracts';
import {
  addDuration,
  concatBytes,
  encodePublicKey,
  formatEndpoint,
  formatIpAddress,
  type IpAddress,
  milliseconds,
  parseEndpoint,
  parseIpAddress,
  parsePublicKey,
  type Path,
  type PublicKey,
  relayPath,
  Secret,
  udpPath,
} from '@shadownet/primitives';
import { BindingServer } from '@shadownet/stun';
import {
  type LinkQuality,
  SeededRandom,
  type Segment,
  type SimulatedCore,
  SimulatedNetwork,
  SimulatedRelay,
  type SimulatedSocket,
  type Site,
} from '@shadownet/testlab';
import { type PeerLinkStatus, Tunnel, type TunnelEvent, type TunnelOutput } from '@shadownet/tunnel';
import { Tai64nSource } from '@shadownet/wireguard';

const STUN_SERVERS = [
  '203.0.113.10:3478',
  '203.0.113.11:3478',
  '[2001:db8:ffff::10]:3478',
  '[2001:db8:ffff::11]:3478',
].map((text) => parseEndpoint(text)!);

/** The id of the one relay. */
const RELAY = 'relay';
const WALL_START = 1_800_000_000_000_000_000n;

/** As on a consumer line: 10–15 ms one way. */
export const INTERNET: LinkQuality = { delay: [milliseconds(10), milliseconds(15)], loss: 0 };

/** From a node's announcement to the other nodes' maps. */
const CONTROL_DELAY = milliseconds(50);

export class SimulatedMesh {
  readonly random: SeededRandom;
  readonly network: SimulatedNetwork;
  readonly nodes: SimulatedMeshNode[] = [];
  /** All nodes are connected to it, if there is one. */
  readonly relay: SimulatedRelay | undefined;
  #sequence = 0;
  #controlIsUp = true;

  constructor(
    seed = 1,
    internet = INTERNET,
    options: { readonly relay?: LinkQuality; readonly recording?: boolean } = {},
  ) {
    this.random = new SeededRandom(seed);
    this.network = new SimulatedNetwork(this.random, { internet, recording: options.recording ?? true });
    if (options.relay) this.relay = new SimulatedRelay(this.network, this.random, options.relay);
    for (const server of STUN_SERVERS) {
      const stun = new BindingServer({ maxPerSourcePerSecond: 50 });
      const socket = this.network.socket(this.network.internet, server.address, server.port);
      socket.onDatagram((datagram, from, now) => {
        const answer = stun.answer(datagram, from, now);
        if (answer) socket.send(answer, from);
      });
    }
  }

  addNode(name: string, segment: Segment, address: string, options: MeshNodeOptions = {}): SimulatedMeshNode {
    return this.addNodeAt(name, [{ segment, address: parseIpAddress(address)! }], options);
  }

  /** With an interface of each family at most. */
  addNodeAt(name: string, interfaces: Site['interfaces'], options: MeshNodeOptions = {}): SimulatedMeshNode {
    const node = new SimulatedMeshNode(this, name, interfaces, options);
    this.nodes.push(node);
    this.publish();
    return node;
  }

  /** Gives every node its map, after the time that takes. */
  publish(): void {
    if (!this.#controlIsUp) return;
    const at = addDuration(this.network.now, CONTROL_DELAY);
    const sequence = ++this.#sequence;
    for (const node of this.nodes) {
      const map = this.mapFor(node, sequence);
      this.network.at(at, () => node.takeMap(map));
    }
  }

  /** Hands a call to the peer that it is for. */
  handCall(peer: PublicKey, message: Uint8Array): void {
    const key = encodePublicKey(peer);
    const called = this.nodes.find((node) => node.key === key);
    if (called && this.#controlIsUp) {
      this.network.at(addDuration(this.network.now, CONTROL_DELAY), () => called.takeCall(message));
    }
  }

  /** Nothing is handed on any more. */
  stopControl(): void {
    this.#controlIsUp = false;
  }

  mapFor(viewer: SimulatedMeshNode, sequence: number, epoch = 1): NetworkMap {
    const peers = this.nodes.filter((node) => node !== viewer && node.isMember).map((node) => node.asPeer());
    return { map_version: { epoch, sequence }, network_cidr: '10.100.0.0/16', peers };
  }
}

export interface MeshNodeOptions {
  readonly port?: number;
  /** The identity of an earlier node, for one that restarts. */
  readonly privateKey?: Uint8Array;
  /** 1 unless told. */
  readonly firstProbeCounter?: bigint;
  /** Whether ports of hard NATs are guessed; true unless told, where there is a relay. */
  readonly guessing?: boolean;
}

export class SimulatedMeshNode {
  readonly virtualIp: string;
  readonly privateKey: Uint8Array;
  readonly tunnel: Tunnel;
  readonly events: TunnelEvent[] = [];
  /** IP packets that came out of the tunnel. */
  readonly packets: Uint8Array[] = [];
  online = true;
  isMember = true;
  readonly #mesh: SimulatedMesh;
  /** The one socket of the node, on each of its interfaces. */
  readonly #sockets: readonly SimulatedSocket[];
  readonly #extraSockets = new Map<number, SimulatedSocket>();
  readonly #out: TunnelOutput;
  readonly #core: SimulatedCore;
  #running = true;
  #nextSocket = 1;

  constructor(
    mesh: SimulatedMesh,
    readonly name: string,
    interfaces: Site['interfaces'],
    options: MeshNodeOptions,
  ) {
    this.#mesh = mesh;
    this.virtualIp = `10.100.0.${mesh.nodes.length + 1}`;
    this.#sockets = interfaces.map(({ segment, address }) => this.#open(segment, address, options.port ?? 51820, 0));
    this.#out = {
      datagram: (bytes, path) => this.#send(bytes, path),
      packet: (bytes) => void this.packets.push(Uint8Array.from(bytes)),
    };
    this.privateKey = options.privateKey ?? generatePrivateKey(mesh.random.bytes);
    const wallNanoseconds = (): bigint => WALL_START + BigInt(Math.round(mesh.network.now * 1e6));
    const timestamps = new Tai64nSource({ wallNanoseconds, lastReserved: 0n, reserve: () => {} });
    const privateKey = Secret.copy(this.privateKey);
    this.tunnel = new Tunnel(
      {
        crypto: nodeCrypto,
        random: mesh.random.bytes,
        timestamps,
        privateKey,
        firstProbeCounter: options.firstProbeCounter ?? 1n,
        ...(mesh.relay && { search: 'on-traffic', guessing: options.guessing ?? true }),
      },
      mesh.network.now,
    );
    const hosts = this.#sockets.map(({ local }) => local);
    this.tunnel.setHostCandidates(hosts, mesh.network.now, this.#out);
    const servers = STUN_SERVERS.filter(({ address }) => hosts.some((host) => host.address.family === address.family));
    this.tunnel.setStunServers(servers, mesh.network.now, this.#out);
    mesh.relay?.connect(this.key, (bytes, from) => this.receive(bytes, relayPath(RELAY, parsePublicKey(from)!)));
    this.#core = {
      pollTimeout: () => (this.#running ? this.tunnel.pollTimeout() : undefined),
      handleTimeout: (now) => {
        this.tunnel.handleTimeout(now, this.#out);
        this.#drain();
      },
    };
    mesh.network.attach(this.#core);
  }

  get key(): string {
    return encodePublicKey(this.tunnel.publicKey);
  }

  /** As a peer of the others' maps. */
  asPeer(): Peer {
    const { endpoint: reflexive } = this.tunnel;
    return {
      id: `00000000-0000-4000-8000-${this.virtualIp.split('.').at(-1)!.padStart(12, '0')}`,
      public_key: encodePublicKey(this.tunnel.publicKey),
      virtual_ip: this.virtualIp,
      endpoint: reflexive ? formatEndpoint(reflexive) : null,
      candidates: this.tunnel.candidates.flatMap(({ kind, endpoint: { address, port } }) =>
        kind === 'peer-reflexive' ? [] : [{ kind, ip: formatIpAddress(address), port }],
      ),
      hostname: this.name,
      os: 'simulated',
      allowed_ips: [`${this.virtualIp}/32`],
      online: this.online,
      last_heartbeat: null,
    };
  }

  takeMap(map: NetworkMap): void {
    if (!this.#running) return;
    const { now } = this.#mesh.network;
    this.tunnel.updateNetworkMap(map, now, this.#out);
    if (this.#mesh.relay) {
      for (const { public_key } of map.peers) {
        this.tunnel.setPeerRelay(parsePublicKey(public_key)!, RELAY, now, this.#out);
      }
    }
    this.#drain();
  }

  takeCall(message: Uint8Array): void {
    if (!this.#running) return;
    this.tunnel.handleCall(message, this.#mesh.network.now, this.#out);
    this.#drain();
  }

  /** Sends an IPv4 packet with these bytes in it to another node's virtual address. */
  send(to: SimulatedMeshNode, text: string): void {
    const packet = ipv4Packet(this.virtualIp, to.virtualIp, text);
    this.tunnel.handlePacket(packet, this.#mesh.network.now, this.#out);
    this.#drain();
  }

  /** The main thread's look at what packet workers did, of which the test has written the cells. */
  lookAtWorkers(): boolean {
    const any = this.tunnel.packetWorkers.handleWorkerTraffic(this.#mesh.network.now, this.#out);
    this.#drain();
    return any;
  }

  /** A datagram at the node. */
  receive(datagram: Uint8Array, from: Path): void {
    if (!this.#running) return;
    this.tunnel.handleDatagram(datagram, from, this.#mesh.network.now, this.#out);
    this.#drain();
  }

  /** As kill -9 does: it hears and says nothing any more. */
  kill(): void {
    this.#running = false;
    for (const socket of [...this.#sockets, ...this.#extraSockets.values()]) socket.close();
    this.#mesh.relay?.disconnect(this.key);
    this.#mesh.nodes.splice(this.#mesh.nodes.indexOf(this), 1);
  }

  get received(): string[] {
    return this.packets.map((packet) => Buffer.from(packet.subarray(20)).toString());
  }

  linkTo(other: SimulatedMeshNode): PeerLinkStatus {
    const key = encodePublicKey(other.tunnel.publicKey);
    return this.tunnel.status(this.#mesh.network.now).peers.find((peer) => encodePublicKey(peer.publicKey) === key)!;
  }

  isConnectedTo(other: SimulatedMeshNode): boolean {
    const link = this.linkTo(other);
    return link?.pathState === 'connected' && link.session === 'established';
  }

  get counters(): Readonly<Record<string, number>> {
    return this.tunnel.status(this.#mesh.network.now).counters;
  }

  /** How many sockets are open besides the one. */
  get extraSockets(): number {
    return this.#extraSockets.size;
  }

  #open(segment: Segment, address: IpAddress, port: number, number: number): SimulatedSocket {
    const socket = this.#mesh.network.socket(segment, address, port);
    socket.onDatagram((datagram, from) => this.receive(datagram, { ...udpPath(from), socket: number }));
    return socket;
  }

  #send(bytes: Uint8Array, path: Path): void {
    if (path.kind === 'relay') return this.#mesh.relay?.send(this.key, encodePublicKey(path.peer), bytes);
    const sockets = path.socket === 0 ? this.#sockets : [this.#extraSockets.get(path.socket)!];
    sockets.find(({ local }) => local.address.family === path.remote.address.family)?.send(bytes, path.remote);
  }

  #openExtraSockets(peer: PublicKey, count: number): void {
    const { segment, local } = this.#sockets.find(({ local }) => local.address.family === 4)!;
    const numbers = Array.from({ length: count }, () => this.#nextSocket++);
    for (const number of numbers) {
      this.#extraSockets.set(number, this.#open(segment, local.address, 20_000 + number, number));
    }
    this.tunnel.useSockets(peer, numbers, this.#mesh.network.now, this.#out);
  }

  #closeExtraSockets(numbers: readonly number[]): void {
    for (const number of numbers) {
      this.#extraSockets.get(number)?.close();
      this.#extraSockets.delete(number);
    }
  }

  #drain(): void {
    for (let event = this.tunnel.pollEvent(); event; event = this.tunnel.pollEvent()) {
      this.events.push(event);
      if (event.kind === 'reflexive-changed') this.#mesh.publish();
      if (event.kind === 'call-by-control') this.#mesh.handCall(event.peer.publicKey, event.message);
      if (event.kind === 'sockets-wanted') this.#openExtraSockets(event.peer.publicKey, event.count);
      if (event.kind === 'sockets-unneeded') this.#closeExtraSockets(event.sockets);
    }
    this.#mesh.network.reschedule(this.#core);
  }
}

/** An IPv4 packet of an experimental protocol (RFC 3692: 253) that carries `text`. */
function ipv4Packet(from: string, to: string, text: string): Uint8Array {
  const payload = Buffer.from(text);
  const header = new Uint8Array(20);
  const length = 20 + payload.length;
  header.set([0x45, 0, length >> 8, length & 0xff, 0, 0, 0, 0, 64, 253, 0, 0]);
  return concatBytes(header.subarray(0, 12), parseIpAddress(from)!.bytes, parseIpAddress(to)!.bytes, payload);
}
