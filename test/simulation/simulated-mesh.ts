// A mesh on a simulated network: the real tunnels of libs/tunnel behind modelled NATs, a STUN server, and a control server that
// is reduced to what it does to tunnels: it hands each the others' announcements. One seed, one run.

import { generatePrivateKey, nodeCrypto } from '@shadownet/crypto';
import type { NetworkMap, Peer } from '@shadownet/contracts';
import {
  addDuration,
  concatBytes,
  encodePublicKey,
  type Endpoint,
  formatEndpoint,
  formatIpAddress,
  type Instant,
  milliseconds,
  parseEndpoint,
  parseIpAddress,
  remoteOf,
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
  type SimulatedSocket,
} from '@shadownet/testlab';
import { type PeerLinkStatus, Tunnel, type TunnelEvent, type TunnelOutput } from '@shadownet/tunnel';
import { Tai64nSource } from '@shadownet/wireguard';

const STUN_SERVERS = [parseEndpoint('203.0.113.10:3478')!, parseEndpoint('203.0.113.11:3478')!];
const WALL_START = 1_800_000_000_000_000_000n;

/** As on a consumer line: 10–15 ms one way. */
export const INTERNET: LinkQuality = { delay: [milliseconds(10), milliseconds(15)], loss: 0 };

/** From a node's announcement to the other nodes' maps. */
const CONTROL_DELAY = milliseconds(50);

export class SimulatedMesh {
  readonly random: SeededRandom;
  readonly network: SimulatedNetwork;
  readonly nodes: SimulatedMeshNode[] = [];
  #sequence = 0;
  #controlIsUp = true;

  constructor(seed = 1, internet = INTERNET) {
    this.random = new SeededRandom(seed);
    this.network = new SimulatedNetwork(this.random, { internet });
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
    const node = new SimulatedMeshNode(this, name, segment, address, options);
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
  readonly #socket: SimulatedSocket;
  readonly #out: TunnelOutput;
  readonly #core: SimulatedCore;
  #running = true;

  constructor(
    mesh: SimulatedMesh,
    readonly name: string,
    segment: Segment,
    address: string,
    options: MeshNodeOptions,
  ) {
    this.#mesh = mesh;
    this.virtualIp = `10.100.0.${mesh.nodes.length + 1}`;
    this.#socket = mesh.network.socket(segment, parseIpAddress(address)!, options.port ?? 51820);
    this.#socket.onDatagram((datagram, from, now) => this.receive(datagram, from, now));
    this.#out = {
      datagram: (bytes, path) => this.#socket.send(bytes, remoteOf(path)!),
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
      },
      mesh.network.now,
    );
    this.tunnel.setHostCandidates([this.#socket.local], mesh.network.now, this.#out);
    this.tunnel.setStunServers(STUN_SERVERS, mesh.network.now, this.#out);
    this.#core = {
      pollTimeout: () => (this.#running ? this.tunnel.pollTimeout() : undefined),
      handleTimeout: (now) => {
        this.tunnel.handleTimeout(now, this.#out);
        this.#drain();
      },
    };
    mesh.network.attach(this.#core);
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
    this.tunnel.updateNetworkMap(map, this.#mesh.network.now, this.#out);
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

  /** A datagram at the node's socket. */
  receive(datagram: Uint8Array, from: Endpoint, now: Instant): void {
    if (!this.#running) return;
    this.tunnel.handleDatagram(datagram, udpPath(from), now, this.#out);
    this.#drain();
  }

  /** As kill -9 does: it hears and says nothing any more. */
  kill(): void {
    this.#running = false;
    this.#socket.close();
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

  #drain(): void {
    for (let event = this.tunnel.pollEvent(); event; event = this.tunnel.pollEvent()) {
      this.events.push(event);
      if (event.kind === 'reflexive-changed') this.#mesh.publish();
    }
    this.#mesh.network.reschedule(this.#core);
  }
}

/** An IPv4 packet of an experimental protocol (RFC 3692: 253) that carries `text`. */
function ipv4Packet(from: string, to: string, text: string): Uint8Array {
  const payload = Buffer.from(text);
  const header = new Uint8Array(20);
  header.set([0x45, 0, 0, 20 + payload.length, 0, 0, 0, 0, 64, 253, 0, 0]);
  return concatBytes(header.subarray(0, 12), parseIpAddress(from)!.bytes, parseIpAddress(to)!.bytes, payload);
}
