// The path agent and STUN discovery on simulated networks: real cores, real cryptography, simulated time and NATs.

import { generatePrivateKey, nodeCrypto } from '@shadownet/crypto';
import {
  addDuration,
  type Duration,
  earliestWakeup,
  encodeHex,
  type Endpoint,
  formatEndpoint,
  formatPath,
  instant,
  type Instant,
  milliseconds,
  parseEndpoint,
  parseIpAddress,
  type UdpPath,
  publicKeyFromBytes,
  seconds,
  udpPath,
} from '@shadownet/primitives';
import {
  type Candidate,
  deriveProbeKeys,
  PathAgent,
  type PathEvent,
  probeIdOf,
  ReflexiveDiscovery,
} from '@shadownet/paths';
import { BindingServer, decodeStunMessage } from '@shadownet/stun';
import { describe, expect, it } from 'vitest';
import { Nat, type NatBehaviour, NatBehaviours } from './nat.js';
import { SeededRandom } from './seeded-random.js';
import { type LinkQuality, type Segment, SimulatedNetwork, type SimulatedSocket } from './simulated-network.js';

const address = (text: string) => parseIpAddress(text)!;
const STUN_SERVERS = [parseEndpoint('203.0.113.10:3478')!, parseEndpoint('203.0.113.11:3478')!];

/** As on a consumer line: 10–15 ms one way. */
const INTERNET: LinkQuality = { delay: [milliseconds(10), milliseconds(15)], loss: 0 };

/** What `shadownet-node` does with these cores, for one peer: sends, receives, tells the other side its addresses. */
class SimulatedNode {
  readonly #network: SimulatedNetwork;
  readonly #sockets: SimulatedSocket[] = [];
  readonly discovery: ReflexiveDiscovery;
  readonly privateKey;
  agent!: PathAgent;
  #incomingId = '';
  #peer: SimulatedNode | undefined;
  readonly events: { readonly at: Instant; readonly event: PathEvent }[] = [];
  /** Called with each event: how a test plays the runtime. */
  onEvent: (event: PathEvent) => void = () => {};

  constructor(network: SimulatedNetwork, segment: Segment, host: string, random: SeededRandom, port = 51820) {
    this.#network = network;
    this.privateKey = nodeCrypto.privateKey(generatePrivateKey(random.bytes));
    this.discovery = new ReflexiveDiscovery({ random: random.bytes });
    this.addSocket(segment, host, port);
    network.attach(this);
  }

  /** A further address of the node: paths from there have the next socket number. */
  addSocket(segment: Segment, host: string, port = 51820): void {
    const number = this.#sockets.length;
    const socket = this.#network.socket(segment, address(host), port);
    socket.onDatagram(
      (datagram, from, now) => this.#receive(datagram, { ...udpPath(from), socket: number }, now),
      this,
    );
    this.#sockets.push(socket);
  }

  connectTo(peer: SimulatedNode, random: SeededRandom): void {
    const remotePublicKey = publicKeyFromBytes(peer.privateKey.publicKey)!;
    const keys = deriveProbeKeys(nodeCrypto, this.privateKey, remotePublicKey)!;
    this.#incomingId = encodeHex(keys.incomingId);
    this.#peer = peer;
    this.agent = new PathAgent({
      random: random.bytes,
      crypto: nodeCrypto,
      keys,
      localPublicKey: publicKeyFromBytes(this.privateKey.publicKey)!,
      remotePublicKey,
      firstCounter: 1_700_000_000_000_000_000n,
    });
  }

  readonly out = {
    datagram: (bytes: Uint8Array, path: UdpPath) => this.#sockets[path.socket]!.send(bytes, path.remote),
  };

  /** What the control server would hand to the peer. */
  get candidates(): Candidate[] {
    return [
      ...this.#sockets.map(({ local }): Candidate => ({ kind: 'host', endpoint: local })),
      ...this.discovery.reflexive.map((endpoint): Candidate => ({ kind: 'server-reflexive', endpoint })),
    ];
  }

  /** Gives the peer's present addresses to our agent, as a network map does. */
  learnPeer(): void {
    this.agent.setRemoteCandidates(this.#peer!.candidates, this.#network.now, this.out);
    this.#drain();
  }

  start(): void {
    this.agent.start(this.#network.now, this.out);
    this.#drain();
  }

  get path(): string | undefined {
    const { path } = this.agent.status(this.#network.now);
    return path && formatPath(path);
  }

  pollTimeout() {
    return earliestWakeup(this.discovery.pollTimeout(), this.agent?.pollTimeout());
  }

  handleTimeout(now: Instant): void {
    this.discovery.handleTimeout(now, this.out);
    this.agent?.handleTimeout(now, this.out);
    this.#drain();
  }

  #receive(datagram: Uint8Array, from: UdpPath, now: Instant): void {
    const decoded = decodeStunMessage(datagram);
    if (!decoded.ok) return;
    if (this.discovery.handleMessage(decoded.message, from.remote, now)) return;
    const id = probeIdOf(decoded.message);
    if (id && encodeHex(id) === this.#incomingId) {
      this.agent.handleProbe(decoded.message, datagram, from, now, this.out);
    }
    this.#drain();
  }

  #drain(): void {
    for (let event = this.agent?.pollEvent(); event; event = this.agent.pollEvent()) {
      this.events.push({ at: this.#network.now, event });
      this.onEvent(event);
    }
    this.#network.reschedule(this);
  }
}

interface World {
  readonly network: SimulatedNetwork;
  readonly a: SimulatedNode;
  readonly b: SimulatedNode;
  readonly lanA: Segment;
  readonly lanB: Segment;
  readonly natA: Nat;
  readonly natB: Nat;
  readonly random: SeededRandom;
}

/** Two hosts behind two NATs, both at 192.168.1.2 unless told otherwise, who know their reflexive addresses. */
function twoNats(
  seed: number,
  behaviourA: NatBehaviour,
  behaviourB: NatBehaviour,
  { hostB = '192.168.1.2', internet = INTERNET }: { hostB?: string; internet?: LinkQuality } = {},
): World {
  const random = new SeededRandom(seed);
  const network = new SimulatedNetwork(random, { internet });
  addStunServers(network);
  const natA = new Nat(address('203.0.113.21'), behaviourA, random);
  const natB = new Nat(address('203.0.113.22'), behaviourB, random);
  const lanA = network.lan('lan a', natA);
  const lanB = network.lan('lan b', natB);
  const a = new SimulatedNode(network, lanA, '192.168.1.2', random);
  const b = new SimulatedNode(network, lanB, hostB, random);
  meet(network, a, b, random);
  return { network, a, b, lanA, lanB, natA, natB, random };
}

function addStunServers(network: SimulatedNetwork): void {
  for (const { address, port } of STUN_SERVERS) {
    const server = new BindingServer({ maxPerSourcePerSecond: 50 });
    const socket = network.socket(network.internet, address, port);
    socket.onDatagram((datagram, from, now) => {
      const answer = server.answer(datagram, from, now);
      if (answer) socket.send(answer, from);
    });
  }
}

/** Both ask STUN, until they know an address (under loss that takes retransmissions). */
function meet(network: SimulatedNetwork, a: SimulatedNode, b: SimulatedNode, random: SeededRandom): void {
  a.connectTo(b, random);
  b.connectTo(a, random);
  for (const node of [a, b]) node.discovery.setServers(STUN_SERVERS, network.now, node.out);
  network.runUntilTrue(() => a.discovery.reflexive.length > 0 && b.discovery.reflexive.length > 0, seconds(40));
}

function startBoth({ a, b }: Pick<World, 'a' | 'b'>): void {
  for (const node of [a, b]) {
    node.learnPeer();
    node.start();
  }
}

function timeToConnect(world: World, limit: Duration): Duration | undefined {
  return world.network.runUntilTrue(() => world.a.path !== undefined && world.b.path !== undefined, limit);
}

const { portRestricted, symmetric, fullCone, addressRestricted } = NatBehaviours;
const seeds = Array.from({ length: 20 }, (_, i) => i + 1);

describe('punching', () => {
  it('connects two hosts behind port-restricted NATs within 2 s, at their reflexive addresses', () => {
    for (const seed of seeds) {
      const world = twoNats(seed, portRestricted, portRestricted);
      startBoth(world);
      expect(timeToConnect(world, seconds(2))).toBeDefined();
      expect(world.a.path).toBe('udp 203.0.113.22:51820');
      expect(world.b.path).toBe('udp 203.0.113.21:51820');
    }
  });

  it('connects even if one side hears of the other 5 s later', () => {
    const world = twoNats(1, portRestricted, portRestricted);
    world.a.learnPeer();
    world.a.start();
    world.network.run(seconds(5));
    world.b.learnPeer();
    world.b.start();
    expect(timeToConnect(world, seconds(2))).toBeDefined();
  });

  it.each([
    { name: 'full cone', behaviour: fullCone },
    { name: 'address-restricted', behaviour: addressRestricted },
  ])('connects symmetric with $name over a peer-reflexive address', ({ behaviour }) => {
    for (const seed of seeds) {
      const world = twoNats(seed, symmetric, behaviour);
      startBoth(world);
      expect(timeToConnect(world, seconds(3))).toBeDefined();
      const chosen = world.b.agent
        .status(world.network.now)
        .candidates.find(({ endpoint }) => formatPath(udpPath(endpoint)) === world.b.path);
      expect(chosen?.kind).toBe('peer-reflexive');
    }
  });

  it('connects behind 30 % loss in each direction', () => {
    let slowest = 0;
    for (const seed of seeds) {
      const world = twoNats(seed, portRestricted, portRestricted, { internet: { ...INTERNET, loss: 0.3 } });
      startBoth(world);
      const took = timeToConnect(world, seconds(10));
      expect(took).toBeDefined();
      slowest = Math.max(slowest, took!);
    }
    expect(slowest).toBeLessThan(8000);
  });

  it('does not connect symmetric with port-restricted, and backs off', () => {
    const world = twoNats(3, symmetric, portRestricted);
    startBoth(world);
    const sent = (node: SimulatedNode) => node.agent.counters.probesSent;
    world.network.run(seconds(60));
    const firstMinute = sent(world.a) + sent(world.b);
    world.network.run(seconds(240));
    const perMinuteLater = (sent(world.a) + sent(world.b) - firstMinute) / 4;

    expect([world.a.path, world.b.path]).toEqual([undefined, undefined]);
    // A first search has at most 34 rounds, a later one at most 14, to 2 or 3 candidates.
    expect(firstMinute).toBeLessThan(500);
    expect(perMinuteLater).toBeLessThan(120);
    const pauses = world.a.events.flatMap(({ at, event }) =>
      event.kind === 'search-paused' ? [(event.retryAt - at) / 1000] : [],
    );
    for (const [i, shortest] of [2, 4, 8, 16, 30, 30].entries()) {
      expect(pauses[i]).toBeGreaterThanOrEqual(shortest);
      expect(pauses[i]).toBeLessThanOrEqual(shortest * 1.25);
    }
  });
});

describe('choice', () => {
  it('takes the LAN path of two hosts in the same LAN', () => {
    const random = new SeededRandom(5);
    const network = new SimulatedNetwork(random, { internet: INTERNET });
    addStunServers(network);
    const nat = new Nat(address('203.0.113.21'), { ...portRestricted, hairpinning: true }, random);
    const lan = network.lan('lan', nat);
    const a = new SimulatedNode(network, lan, '192.168.1.2', random);
    const b = new SimulatedNode(network, lan, '192.168.1.3', random);
    meet(network, a, b, random);
    startBoth({ a, b });
    network.run(seconds(5));
    expect([a.path, b.path]).toEqual(['udp 192.168.1.3:51820', 'udp 192.168.1.2:51820']);
    const reflexive = a.agent.status(network.now).candidates.find(({ kind }) => kind === 'server-reflexive');
    expect(reflexive?.state).toBe('confirmed'); // by hairpinning: it worked as well and lost the tie
  });

  it("never chooses a decoy that answers at the peer's LAN address", () => {
    const world = twoNats(7, portRestricted, portRestricted, { hostB: '192.168.1.3' });
    const decoy = world.network.socket(world.lanA, address('192.168.1.3'), 51820);
    const echo = new BindingServer({ maxPerSourcePerSecond: 1000 });
    let asked = 0;
    decoy.onDatagram((datagram, from, now) => {
      asked += 1;
      decoy.send(datagram, from); // reflects the probe
      const answer = echo.answer(datagram, from, now);
      if (answer) decoy.send(answer, from); // answers it like any STUN server
    });
    startBoth(world);
    world.network.run(seconds(30));
    expect(asked).toBeGreaterThan(3);
    expect(world.a.path).toBe('udp 203.0.113.22:51820');
    const atDecoy = world.a.agent.status(world.network.now).candidates.find(({ kind }) => kind === 'host');
    expect(atDecoy?.state).toBe('probing');
  });
});

describe('keeping a path', () => {
  const connected = (seed: number): World => {
    const world = twoNats(seed, portRestricted, portRestricted);
    startBoth(world);
    expect(timeToConnect(world, seconds(2))).toBeDefined();
    return world;
  };
  const kinds = (node: SimulatedNode) => node.events.map(({ event }) => event.kind);

  it('stays on a quiet path for an hour, with a probe every 10 to 12 s', () => {
    const world = connected(11);
    world.network.run(seconds(5));
    const before = world.network.sightings.length;
    world.network.run(seconds(3600));
    expect(kinds(world.a)).not.toContain('path-lost');
    const sentAt = world.network.sightings
      .slice(before)
      .filter(({ segment, to, datagram }) => {
        const decoded = decodeStunMessage(datagram);
        const isRequest = decoded.ok && decoded.message.class === 'request';
        return segment === world.lanA && formatEndpoint(to) === '203.0.113.22:51820' && isRequest;
      })
      .map(({ at }) => at);
    expect(sentAt.length).toBeGreaterThan(300);
    for (const [i, at] of sentAt.entries()) {
      if (i === 0) continue;
      const gap = at - sentAt[i - 1]!;
      expect(gap).toBeGreaterThanOrEqual(9_999);
      expect(gap).toBeLessThanOrEqual(12_001);
    }
  });

  it('does not change between paths of like RTT: hysteresis', () => {
    const random = new SeededRandom(13);
    const jittery: LinkQuality = { delay: [milliseconds(18), milliseconds(22)], loss: 0 };
    const network = new SimulatedNetwork(random, { internet: jittery });
    addStunServers(network);
    const a = new SimulatedNode(network, network.internet, '203.0.113.31', random);
    const b = new SimulatedNode(network, network.internet, '203.0.113.32', random);
    b.addSocket(network.internet, '203.0.113.33');
    meet(network, a, b, random);
    startBoth({ a, b });
    network.run(seconds(3600));
    const { candidates } = a.agent.status(network.now);
    expect(candidates.filter(({ state }) => state === 'confirmed')).toHaveLength(2);
    expect(kinds(a).filter((kind) => kind === 'path-selected')).toHaveLength(1);
  });

  it('notices a rebinding by unanswered data within 4 s, and has a path again once the new address is known', () => {
    for (const seed of seeds.slice(0, 5)) {
      const { network, a, b, natB } = connected(seed);
      network.run(seconds(6));
      natB.rebind(address('203.0.113.29'));
      const rebound = network.now;
      // As the runtime does: ask STUN again, and tell the other side what it says.
      for (const node of [a, b]) {
        node.onEvent = (event) => {
          if (event.kind === 'search-started') node.discovery.refresh(network.now, node.out);
        };
      }
      a.agent.trafficSent(network.now);
      network.runUntilTrue(() => kinds(a).includes('path-lost'), seconds(15));
      const lost = a.events.find(({ event }) => event.kind === 'path-lost')!;
      expect(lost.event).toMatchObject({ reason: 'data-unanswered' });
      expect(lost.at - rebound).toBeLessThanOrEqual(4000);

      network.runUntilTrue(() => kinds(b).includes('path-lost'), seconds(15));
      network.run(milliseconds(500));
      const known = network.now;
      a.learnPeer();
      b.learnPeer();
      network.runUntilTrue(() => a.path !== undefined && b.path !== undefined, seconds(10));
      expect(a.path).toBe('udp 203.0.113.29:52820');
      expect(b.path).toBe('udp 203.0.113.21:51820');
      expect(network.now - known).toBeLessThanOrEqual(1000);
      expect(network.now - rebound).toBeLessThanOrEqual(15_000);
    }
  });

  it('notices a rebinding without data by a keepalive within 14 s', () => {
    const { network, a, natB } = connected(17);
    network.run(seconds(6));
    natB.rebind();
    const took = network.runUntilTrue(() => kinds(a).includes('path-lost'), seconds(20));
    expect(took).toBeLessThanOrEqual(12_000 + 1_600 + 50);
  });

  it('survives a short outage without losing the path', () => {
    const { network, a } = connected(19);
    network.run(seconds(6));
    a.agent.trafficSent(network.now);
    network.internet.quality = { ...INTERNET, loss: 1 };
    network.run(seconds(3));
    network.internet.quality = INTERNET;
    network.run(seconds(20));
    expect(kinds(a)).not.toContain('path-lost');
  });
});

describe('attackers on the wire', () => {
  it('changes nothing when every datagram is replayed from elsewhere, reflected, or altered', () => {
    const world = twoNats(23, fullCone, fullCone);
    startBoth(world);
    expect(timeToConnect(world, seconds(2))).toBeDefined();
    const { network, a, b } = world;
    network.run(seconds(3));
    const before = { a: a.path, b: b.path, candidates: a.agent.status(network.now).candidates.length };
    const attacker = network.socket(network.internet, address('203.0.113.66'), 666);
    let received = 0;
    attacker.onDatagram(() => (received += 1));
    const isStun = ({ port }: Endpoint) => port === 3478;
    const recorded = network.sightings.filter(
      ({ segment, from, to }) => segment === network.internet && !isStun(from) && !isStun(to),
    );
    const sentBefore = { a: a.agent.counters.requestsAnswered, b: b.agent.counters.requestsAnswered };

    let time = network.now;
    for (const { datagram, from, to } of recorded) {
      time = addDuration(time, milliseconds(1));
      const altered = Uint8Array.from(datagram);
      altered[altered.length - 20]! ^= 1;
      network.at(time, () => {
        attacker.send(datagram, to);
        attacker.send(datagram, from);
        attacker.send(altered, to);
        network.inject(network.internet, datagram, to, from); // as if the receiver had sent it
      });
    }
    const span = instant(time + 100);
    network.runUntil(span);

    expect(received).toBe(0);
    expect({ a: a.path, b: b.path, candidates: a.agent.status(network.now).candidates.length }).toEqual(before);
    const { dropped } = a.agent.counters;
    expect(dropped['replayed-counter']).toBeGreaterThan(0);
    expect(dropped['unknown-transaction']).toBeGreaterThan(0);
    expect(a.agent.counters.requestsAnswered - sentBefore.a).toBeLessThanOrEqual(2);
    expect(b.agent.counters.requestsAnswered - sentBefore.b).toBeLessThanOrEqual(2);
  });
});
