// Whole tunnels on simulated networks: punching, data, loss and recovery of paths, and what attackers send.

import {
  addDuration,
  milliseconds,
  minutes,
  parseEndpoint,
  parseIpAddress,
  remoteOf,
  seconds,
  udpPath,
} from '@shadownet/primitives';
import { Nat, type NatBehaviour, NatBehaviours, PERFECT_LINK, type Segment } from '@shadownet/testlab';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SimulatedMesh, type SimulatedMeshNode } from './simulated-mesh.js';

interface NattedPair {
  readonly mesh: SimulatedMesh;
  readonly natA: Nat;
  readonly natB: Nat;
  readonly lanA: Segment;
  readonly lanB: Segment;
  readonly a: SimulatedMeshNode;
  readonly b: SimulatedMeshNode;
}

/** Two hosts with the same private address, each behind a NAT of its own. */
function nattedPair(behaviour: NatBehaviour = NatBehaviours.portRestricted, seed = 1): NattedPair {
  const mesh = new SimulatedMesh(seed);
  const natA = new Nat(parseIpAddress('203.0.113.21')!, behaviour, mesh.random);
  const natB = new Nat(parseIpAddress('203.0.113.22')!, behaviour, mesh.random);
  const lanA = mesh.network.lan('lan a', natA);
  const lanB = mesh.network.lan('lan b', natB);
  const a = mesh.addNode('a', lanA, '192.168.1.2');
  const b = mesh.addNode('b', lanB, '192.168.1.2', { port: 51821 });
  return { mesh, natA, natB, lanA, lanB, a, b };
}

function connect({ mesh, a, b }: Pick<NattedPair, 'mesh' | 'a' | 'b'>): void {
  const took = mesh.network.runUntilTrue(() => a.isConnectedTo(b) && b.isConnectedTo(a), seconds(5));
  if (took === undefined) throw new Error('the nodes did not connect');
}

describe('two nodes behind port-restricted NATs with the same private address', () => {
  it('connect within 3 s and carry packets both ways', () => {
    const pair = nattedPair();
    const { mesh, a, b } = pair;
    const took = mesh.network.runUntilTrue(() => a.isConnectedTo(b) && b.isConnectedTo(a), seconds(5));
    expect(took).toBeLessThan(3000);

    a.send(b, 'ping');
    b.send(a, 'pong');
    mesh.network.run(seconds(1));
    expect(b.received).toEqual(['ping']);
    expect(a.received).toEqual(['pong']);
    expect(a.linkTo(b)).toMatchObject({ pathKind: 'direct', online: true });
  });

  it('send one handshake only: the side with the smaller key starts it', () => {
    const pair = nattedPair();
    connect(pair);
    pair.mesh.network.run(seconds(5));
    const roles = [pair.a, pair.b].map((node) =>
      node.events.flatMap((event) => (event.kind === 'handshake-completed' ? [event.role] : [])),
    );
    expect(roles.sort()).toEqual([['initiator'], ['responder']]);
  });

  it('deliver packets that were sent before there was a path', () => {
    const { mesh, a, b } = nattedPair();
    mesh.network.run(seconds(0.06));
    a.send(b, 'early');
    mesh.network.run(seconds(5));
    expect(b.received).toEqual(['early']);
  });

  it('keep the path for an hour without traffic and without a WireGuard keepalive', () => {
    const pair = nattedPair();
    connect(pair);
    pair.mesh.network.run(seconds(3600));
    expect(pair.a.events.filter(({ kind }) => kind === 'path-lost')).toEqual([]);
    const { a, b, mesh } = pair;
    a.send(b, 'after an hour');
    mesh.network.run(seconds(1));
    expect(b.received).toEqual(['after an hour']);
  });

  it('connect on every one of 20 seeds', () => {
    for (let seed = 1; seed <= 20; seed++) connect(nattedPair(NatBehaviours.portRestricted, seed));
  });
});

describe('a NAT that rebinds', () => {
  it.each([1, 2, 3, 4, 5])('is recovered from within 15 s of traffic (seed %i)', (seed) => {
    const pair = nattedPair(NatBehaviours.portRestricted, seed);
    connect(pair);
    const { mesh, natB, a, b } = pair;
    const before = remoteOf(a.linkTo(b).path!)!.port;
    natB.rebind();
    const traffic = (): void => {
      a.send(b, 'still there?');
      b.send(a, 'still there?');
      mesh.network.at(addDuration(mesh.network.now, milliseconds(500)), traffic);
    };
    b.packets.length = 0;
    traffic();
    const took = mesh.network.runUntilTrue(() => b.packets.length > 0 && a.linkTo(b).path !== undefined, seconds(15));
    expect(took).toBeDefined();
    expect(remoteOf(a.linkTo(b).path!)!.port).not.toBe(before);
  });

  it('is recovered from without traffic, too, when the next keepalive stays unanswered', () => {
    const pair = nattedPair();
    connect(pair);
    const { mesh, natA, a, b } = pair;
    const changed = a.tunnel.endpoint!.port;
    natA.rebind();
    mesh.network.run(seconds(25));
    expect(a.tunnel.endpoint!.port).not.toBe(changed);
    expect(a.isConnectedTo(b) && b.isConnectedTo(a)).toBe(true);
  });
});

describe('the control server', () => {
  it('may go away: traffic goes on', () => {
    const pair = nattedPair();
    connect(pair);
    const { mesh, a, b } = pair;
    mesh.stopControl();
    mesh.network.run(seconds(600));
    a.send(b, 'without control');
    mesh.network.run(seconds(1));
    expect(b.received).toEqual(['without control']);
  });

  it('may say that a peer is offline: its tunnel stays', () => {
    const pair = nattedPair();
    connect(pair);
    const { mesh, a, b } = pair;
    b.online = false;
    mesh.publish();
    mesh.network.run(seconds(60));
    a.send(b, 'offline?');
    mesh.network.run(seconds(1));
    expect(b.received).toEqual(['offline?']);
    expect(a.linkTo(b).online).toBe(false);
  });

  it('removes a peer: its session ends, nothing is sent to it, and what it sends is dropped', () => {
    const pair = nattedPair();
    connect(pair);
    const { mesh, a, b } = pair;
    b.isMember = false;
    mesh.publish();
    mesh.network.run(seconds(1));
    expect(a.linkTo(b)).toBeUndefined();

    const sent = mesh.network.sightings.length;
    a.send(b, 'to nobody');
    b.send(a, 'from nobody');
    mesh.network.run(seconds(1));
    const fromA = mesh.network.sightings.slice(sent).filter(({ segment }) => segment === pair.lanA);
    expect(fromA.filter(({ from }) => from.port === 51820)).toEqual([]);
    expect(a.received).toEqual([]);
    expect(a.counters).toMatchObject({ 'no-peer-for-destination': 1, 'unknown-index': 1 });
  });

  it('takes up its probe counters where it left them when a peer comes back to its map', () => {
    const pair = nattedPair();
    connect(pair);
    const { mesh, a, b } = pair;
    mesh.network.run(minutes(2));
    a.takeMap({ ...mesh.mapFor(a, 1, 2), peers: [] });
    a.takeMap(mesh.mapFor(a, 2, 2));
    mesh.network.run(seconds(2));
    expect(a.isConnectedTo(b)).toBe(true);
    expect(b.counters).not.toHaveProperty('probe-replayed-counter');
  });

  it('cannot take a node back to an older map, but to a new epoch', () => {
    const { mesh, a, b } = nattedPair();
    mesh.network.run(seconds(1));
    const { network } = mesh;
    const out = { datagram: () => {}, packet: () => {} };
    const older = { ...mesh.mapFor(a, 0), peers: [] };
    expect(a.tunnel.updateNetworkMap(older, network.now, out)).toEqual({ ok: false, reason: 'older-version' });
    expect(a.linkTo(b)).toBeDefined();
    const newEpoch = { ...mesh.mapFor(a, 0, 2), peers: [] };
    expect(a.tunnel.updateNetworkMap(newEpoch, network.now, out)).toMatchObject({ ok: true, removed: 1 });
    expect(a.linkTo(b)).toBeUndefined();
  });
});

describe('hosts of one LAN', () => {
  it('use their private addresses', () => {
    const mesh = new SimulatedMesh();
    const nat = new Nat(parseIpAddress('203.0.113.21')!, NatBehaviours.portRestricted, mesh.random);
    const lan = mesh.network.lan('lan', nat);
    const a = mesh.addNode('a', lan, '192.168.1.2');
    const b = mesh.addNode('b', lan, '192.168.1.3');
    connect({ mesh, a, b });
    expect(a.linkTo(b)).toMatchObject({ pathKind: 'lan', path: { remote: parseEndpoint('192.168.1.3:51820') } });
  });

  it('are not confused with a decoy that answers everything at the peer’s private address', () => {
    const mesh = new SimulatedMesh();
    const natA = new Nat(parseIpAddress('203.0.113.21')!, NatBehaviours.portRestricted, mesh.random);
    const natB = new Nat(parseIpAddress('203.0.113.22')!, NatBehaviours.portRestricted, mesh.random);
    const lanA = mesh.network.lan('lan a', natA);
    const lanB = mesh.network.lan('lan b', natB);
    const decoy = mesh.network.socket(lanA, parseIpAddress('192.168.1.3')!, 51820);
    let fooled = 0;
    decoy.onDatagram((datagram, from) => {
      fooled++;
      decoy.send(datagram, from);
    });
    const a = mesh.addNode('a', lanA, '192.168.1.2');
    const b = mesh.addNode('b', lanB, '192.168.1.3');
    connect({ mesh, a, b });
    a.send(b, 'to the real one');
    mesh.network.run(seconds(2));
    expect(fooled).toBeGreaterThan(0);
    expect(b.received).toEqual(['to the real one']);
    expect(a.linkTo(b).path).toMatchObject({ remote: { address: natB.outerAddress } });
    expect(a.counters['probe-unknown-id']).toBeGreaterThan(0);
  });
});

describe('a peer that restarts', () => {
  it('is reached again within 5 s, though the others still have its old session', () => {
    const pair = nattedPair();
    connect(pair);
    const { mesh, lanB, a, b } = pair;
    b.kill();
    const restarted = mesh.addNode('b', lanB, '192.168.1.2', { port: 51821, privateKey: b.privateKey });
    const ask = (): void => {
      a.send(restarted, 'back?');
      mesh.network.at(addDuration(mesh.network.now, milliseconds(500)), ask);
    };
    ask();
    expect(mesh.network.runUntilTrue(() => restarted.packets.length > 0, seconds(5))).toBeDefined();
  });
});

describe('three nodes', () => {
  it('have a link each to the two others', () => {
    const pair = nattedPair();
    const { mesh, a, b } = pair;
    const c = mesh.addNode('c', mesh.network.internet, '203.0.113.99');
    const nodes = [a, b, c];
    const all = (): boolean =>
      nodes.every((node) => nodes.every((other) => node === other || node.isConnectedTo(other)));
    expect(mesh.network.runUntilTrue(all, seconds(10))).toBeDefined();
    a.send(c, 'a to c');
    b.send(c, 'b to c');
    mesh.network.run(seconds(1));
    expect(c.received.sort()).toEqual(['a to c', 'b to c']);
  });

  it('notice that one is gone although another one sends under its address', () => {
    const pair = nattedPair();
    const { mesh, a, b } = pair;
    const c = mesh.addNode('c', mesh.network.internet, '203.0.113.99');
    const connected = (): boolean => [b, c].every((other) => a.isConnectedTo(other) && other.isConnectedTo(a));
    expect(mesh.network.runUntilTrue(connected, seconds(10))).toBeDefined();
    const addressOfB = remoteOf(a.linkTo(b).path!)!;
    b.kill();
    for (let step = 0; step < 10; step++) {
      a.send(b, 'are you there?');
      const sent = mesh.network.sightings.length;
      c.send(a, 'as if from b');
      const [forged] = mesh.network.sightings.slice(sent);
      a.receive(forged!.datagram, udpPath(addressOfB));
      mesh.network.run(milliseconds(400));
    }
    expect(a.received).toContain('as if from b');
    expect(a.events.flatMap((event) => (event.kind === 'path-lost' ? [event.reason] : []))).toEqual([
      'data-unanswered',
    ]);
  });
});

describe('what an attacker sends', () => {
  it('again, is counted and delivers nothing twice', () => {
    const pair = nattedPair();
    connect(pair);
    const { mesh, lanB, a, b } = pair;
    a.send(b, 'once');
    mesh.network.run(seconds(1));
    const seen = mesh.network.sightings.filter(({ segment, to }) => segment === lanB && to.port === 51821);
    for (const { datagram, from } of seen) b.receive(datagram, udpPath(from));
    mesh.network.run(seconds(1));
    expect(b.received).toEqual(['once']);
    expect(b.counters).toMatchObject({
      'replayed-counter': expect.any(Number),
      'probe-replayed-counter': expect.any(Number),
    });
    expect(b.isConnectedTo(a)).toBe(true);
  });

  it('as altered copies of authentic datagrams, is dropped', () => {
    const pair = nattedPair();
    connect(pair);
    const { mesh, lanB, a, b } = pair;
    a.send(b, 'authentic');
    mesh.network.run(seconds(1));
    const delivered = b.packets.length;
    const seen = mesh.network.sightings.filter(({ segment, to }) => segment === lanB && to.port === 51821);
    for (const { datagram, from } of seen) {
      const altered = Uint8Array.from(datagram);
      altered[altered.length - 1]! ^= 1;
      b.receive(altered, udpPath(from));
    }
    mesh.network.run(seconds(1));
    expect(b.packets.length).toBe(delivered);
    expect(b.isConnectedTo(a)).toBe(true);
  });

  it('at random, never throws and never reaches the host', () => {
    const pair = nattedPair();
    connect(pair);
    const { b } = pair;
    const from = parseEndpoint('203.0.113.66:4444')!;
    const types = fc.constantFrom([1, 0, 0, 0], [2, 0, 0, 0], [3, 0, 0, 0], [4, 0, 0, 0], [0, 1, 0, 8], [1, 1, 0, 12]);
    const lengths = fc.constantFrom(0, 16, 28, 60, 88, 144);
    const datagrams = fc.oneof(
      fc.uint8Array({ maxLength: 1500 }),
      fc
        .tuple(
          types,
          lengths.chain((length) => fc.uint8Array({ minLength: length, maxLength: length })),
        )
        .map(([head, rest]) => Uint8Array.from([...head, ...rest])),
    );
    fc.assert(
      fc.property(datagrams, (datagram) => {
        b.receive(datagram, udpPath(from));
        expect(b.packets).toEqual([]);
      }),
      { numRuns: 2000 },
    );
    expect(b.counters['datagram-unknown']).toBeGreaterThan(0);
  });
});

describe('a lossy line', () => {
  it('of 20 % loss still connects and keeps its path for ten minutes', () => {
    const mesh = new SimulatedMesh(7, { ...PERFECT_LINK, loss: 0.2 });
    const a = mesh.addNode('a', mesh.network.internet, '203.0.113.31');
    const b = mesh.addNode('b', mesh.network.internet, '203.0.113.32');
    // A handshake message that is lost costs the five seconds of REKEY_TIMEOUT.
    expect(mesh.network.runUntilTrue(() => a.isConnectedTo(b) && b.isConnectedTo(a), seconds(30))).toBeDefined();
    mesh.network.run(seconds(600));
    expect(a.linkTo(b).pathState).toBe('connected');
    expect(a.events.filter(({ kind }) => kind === 'path-lost').length).toBeLessThan(5);
  });
});
