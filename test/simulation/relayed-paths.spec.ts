// What becomes of data when paths come, fail and go, with a relay in reserve: whole tunnels on a simulated network.

import { addDuration, type Duration, milliseconds, minutes, seconds } from '@shadownet/primitives';
import { buildSite, type LinkQuality, type Nat, NAT_KINDS, type NatKind, type Segment } from '@shadownet/testlab';
import { describe, expect, it } from 'vitest';
import { INTERNET, SimulatedMesh, type SimulatedMeshNode } from './simulated-mesh.js';

const RELAYED: LinkQuality = { delay: [milliseconds(40), milliseconds(60)], loss: 0 };

interface Pair {
  readonly mesh: SimulatedMesh;
  readonly a: SimulatedMeshNode;
  readonly b: SimulatedMeshNode;
  readonly nats: readonly [Nat | undefined, Nat | undefined];
  readonly segments: readonly [Segment, Segment];
}

function pairOf(kindA: NatKind, kindB: NatKind, seed = 1): Pair {
  const mesh = new SimulatedMesh(seed, INTERNET, { relay: RELAYED });
  const sites = [kindA, kindB].map((kind, i) => buildSite(mesh.network, NAT_KINDS[kind], i + 1, mesh.random));
  const [a, b] = sites.map(({ interfaces }, i) => mesh.addNodeAt('ab'[i]!, interfaces)) as [
    SimulatedMeshNode,
    SimulatedMeshNode,
  ];
  mesh.network.run(seconds(2));
  return {
    mesh,
    a,
    b,
    nats: [sites[0]!.nats[0], sites[1]!.nats[0]],
    segments: [sites[0]!.interfaces[0]!.segment, sites[1]!.interfaces[0]!.segment],
  };
}

/** A numbered packet of that many bytes every so often, from `from` to `to`, until it is stopped. */
class Talk {
  sent = 0;
  #stopped = false;

  constructor(mesh: SimulatedMesh, from: SimulatedMeshNode, to: SimulatedMeshNode, every: Duration, bytes = 8) {
    const send = (): void => {
      if (this.#stopped) return;
      from.send(to, `${this.sent}`.padEnd(bytes - 20));
      this.sent += 1;
      mesh.network.at(addDuration(mesh.network.now, every), send);
    };
    send();
  }

  stop(): void {
    this.#stopped = true;
  }
}

const numbers = (node: SimulatedMeshNode): number[] => node.received.map(Number);
const isDirect = (from: SimulatedMeshNode, to: SimulatedMeshNode): boolean => from.linkTo(to).path?.kind === 'udp';
const bothDirect = ({ a, b }: Pair): boolean => isDirect(a, b) && isDirect(b, a);

function connected(kindA: NatKind, kindB: NatKind, seed = 1): Pair {
  const pair = pairOf(kindA, kindB, seed);
  pair.a.send(pair.b, '-1');
  expect(pair.mesh.network.runUntilTrue(() => bothDirect(pair), seconds(6))).toBeDefined();
  pair.mesh.network.run(seconds(4));
  for (const node of [pair.a, pair.b]) node.packets.length = 0;
  return pair;
}

describe('with a relay', () => {
  it('nothing is sent between peers that have nothing to say', () => {
    const { mesh } = pairOf('port-restricted', 'port-restricted');
    const isStun = (port: number): boolean => port === 3478;
    mesh.network.run(minutes(10));
    const between = mesh.network.sightings.filter(({ from, to }) => !isStun(from.port) && !isStun(to.port));
    expect(between).toEqual([]);
    expect(mesh.relay!.counters.datagrams).toBe(0);
  });

  it('a ping every 100 ms loses nothing from its first packet on, over the change to a direct path', () => {
    for (const seed of [1, 2, 3]) {
      const pair = pairOf('port-restricted', 'hard-random', seed);
      const talk = new Talk(pair.mesh, pair.a, pair.b, milliseconds(100));
      expect(pair.mesh.network.runUntilTrue(() => bothDirect(pair), seconds(8))).toBeDefined();
      pair.mesh.network.run(seconds(3));
      talk.stop();
      pair.mesh.network.run(seconds(1));
      expect(new Set(numbers(pair.b)).size).toBe(talk.sent);
    }
  });

  it('a pair goes quiet after some minutes without data, and is back with the first packet', () => {
    const pair = connected('port-restricted', 'port-restricted');
    const { mesh, a, b } = pair;
    mesh.network.run(minutes(4));
    const quietFrom = mesh.network.sightings.length;
    mesh.network.run(minutes(10));
    const since = mesh.network.sightings
      .slice(quietFrom)
      .filter(({ from, to }) => from.port !== 3478 && to.port !== 3478);
    expect(since).toEqual([]);
    expect([a.linkTo(b).path?.kind, b.linkTo(a).path?.kind]).toEqual(['relay', 'relay']);

    a.send(b, '1');
    // One way for the initiation, one for the response, one for the packet, each of 60 ms at most.
    expect(mesh.network.runUntilTrue(() => b.received.includes('1'), seconds(1))).toBeLessThanOrEqual(180);
    expect(mesh.network.runUntilTrue(() => bothDirect(pair), seconds(3))).toBeDefined();
  });

  it.each([1, 2, 3, 4, 5, 6])(
    'extra sockets are closed but for the one that won, and that one with its path (seed %i)',
    (seed) => {
      const pair = connected('port-restricted', 'hard-random', seed);
      const { mesh, a, b } = pair;
      expect(b.extraSockets).toBeLessThanOrEqual(1);
      const { path } = b.linkTo(a);
      expect(path).toMatchObject({ kind: 'udp' });
      mesh.network.run(minutes(5));
      expect(a.linkTo(b).path?.kind).toBe('relay');
      expect(b.extraSockets).toBe(0);
    },
  );

  it('extra sockets are closed with the peer that they were for', () => {
    const pair = connected('port-restricted', 'hard-random');
    const { mesh, a, b } = pair;
    const open = b.extraSockets;
    a.isMember = false;
    mesh.publish();
    mesh.network.run(seconds(1));
    expect([open, b.extraSockets]).toEqual([1, 0]);
  });

  it('no ports are guessed where that is switched off', () => {
    const mesh = new SimulatedMesh(1, INTERNET, { relay: RELAYED });
    const [a, b] = (['port-restricted', 'hard-random'] as const).map((kind, i) => {
      const { interfaces } = buildSite(mesh.network, NAT_KINDS[kind], i + 1, mesh.random);
      return mesh.addNodeAt('ab'[i]!, interfaces, { guessing: false });
    }) as [SimulatedMeshNode, SimulatedMeshNode];
    mesh.network.run(seconds(2));
    const before = mesh.network.sightings.length;
    new Talk(mesh, a, b, milliseconds(200));
    mesh.network.run(seconds(10));
    expect(isDirect(a, b)).toBe(false);
    expect(mesh.network.sightings.length - before).toBeLessThan(1000);
  });
});

describe('without a relay', () => {
  it.each([
    ['is found within a second of the first packet, by a call over the control server', true],
    ['takes as long as the peer pauses where that is away, too', false],
  ] as const)('a path to a peer that was out of reach for long %s', (_, isControlThere) => {
    const times = [1, 2, 3, 4, 5].map((seed) => {
      const mesh = new SimulatedMesh(seed, INTERNET);
      const sites = [1, 2].map((i) => buildSite(mesh.network, NAT_KINDS['port-restricted'], i, mesh.random));
      const [a, b] = sites.map(({ interfaces }, i) => mesh.addNodeAt('ab'[i]!, interfaces)) as [
        SimulatedMeshNode,
        SimulatedMeshNode,
      ];
      mesh.network.run(seconds(2));
      // Nothing of them reaches even their own NATs, which forget them.
      const segments = sites.map(({ interfaces }) => interfaces[0]!.segment);
      const before = segments.map(({ quality }) => quality);
      for (const segment of segments) segment.quality = { ...segment.quality, loss: 1 };
      mesh.network.run(minutes(4));
      expect(b.linkTo(a).pathState).toBe('waiting');
      for (const [i, segment] of segments.entries()) segment.quality = before[i]!;
      if (!isControlThere) mesh.stopControl();
      a.send(b, '1');
      return mesh.network.runUntilTrue(() => b.received.includes('1'), minutes(1)) ?? Infinity;
    });
    if (isControlThere) expect(Math.max(...times)).toBeLessThanOrEqual(1000);
    else expect(Math.max(...times)).toBeGreaterThan(2000);
  });
});

describe('a direct path that dies', () => {
  it.each([1, 2, 3])('costs at most a second of traffic, each way, and data moves to the relay (seed %i)', (seed) => {
    const pair = connected('port-restricted', 'port-restricted', seed);
    const { mesh, a, b, segments } = pair;
    const forth = new Talk(mesh, a, b, milliseconds(50));
    const back = new Talk(mesh, b, a, milliseconds(50));
    mesh.network.run(seconds(2));
    const before = segments[1].quality;
    segments[1].quality = { ...before, loss: 1 };
    // The relay is reached over another network in the meantime; that of this simulation always is.
    mesh.network.run(seconds(6));
    expect([a.linkTo(b).path?.kind, b.linkTo(a).path?.kind]).toEqual(['relay', 'relay']);
    forth.stop();
    back.stop();
    mesh.network.run(seconds(1));
    for (const [talk, receiver] of [[forth, b] as const, [back, a] as const]) {
      const lost = talk.sent - new Set(numbers(receiver)).size;
      expect(lost * 50).toBeLessThanOrEqual(1000);
    }
    segments[1].quality = before;
  });

  it('in one direction only is noticed by whoever sends that way, though the other one is heard', () => {
    const pair = connected('port-restricted', 'port-restricted');
    const { mesh, a, b, nats } = pair;
    new Talk(mesh, a, b, milliseconds(20));
    new Talk(mesh, b, a, milliseconds(20));
    mesh.network.run(seconds(2));
    // What comes to B's NAT is dropped; what B sends still passes.
    nats[1]!.inbound = () => undefined;
    expect(mesh.network.runUntilTrue(() => !isDirect(a, b), seconds(6))).toBeDefined();
  });

  it.each([1, 2, 3])('by a rebinding is replaced within 3 s (seed %i)', (seed) => {
    const pair = connected('port-restricted', 'port-restricted', seed);
    const { mesh, a, b, nats } = pair;
    new Talk(mesh, a, b, milliseconds(50));
    new Talk(mesh, b, a, milliseconds(50));
    mesh.network.run(seconds(2));
    const path = a.linkTo(b).path!;
    nats[1]!.rebind();
    const isReplaced = (): boolean => bothDirect(pair) && a.linkTo(b).path !== path;
    expect(mesh.network.runUntilTrue(isReplaced, seconds(3))).toBeDefined();
  });
});

describe('a path that carries probes and no full-sized data', () => {
  it('is left for the relay within 5 s, also if it carried everything before', () => {
    const pair = connected('port-restricted', 'port-restricted');
    const { mesh, a, b } = pair;
    new Talk(mesh, a, b, milliseconds(20), 1280);
    mesh.network.run(seconds(5));
    expect(isDirect(a, b)).toBe(true);
    expect(a.events).toContainEqual(
      expect.objectContaining({ kind: 'path-mtu', provenBytes: 1472, losesBytes: undefined }),
    );

    mesh.network.internet.quality = { ...INTERNET, mtu: 1280 };
    expect(mesh.network.runUntilTrue(() => !isDirect(a, b), seconds(5))).toBeDefined();
    expect(a.events).toContainEqual(expect.objectContaining({ kind: 'path-mtu', provenBytes: 1232, losesBytes: 1312 }));
    const received = b.packets.length;
    mesh.network.run(seconds(5));
    expect(b.packets.length - received).toBeGreaterThan(240);
    // B has nothing large to say: its path is good enough.
    expect(isDirect(b, a)).toBe(true);
  });

  it('stays in use for small data', () => {
    const pair = connected('port-restricted', 'port-restricted');
    const { mesh, a, b } = pair;
    mesh.network.internet.quality = { ...INTERNET, mtu: 1280 };
    new Talk(mesh, a, b, milliseconds(20), 500);
    mesh.network.run(seconds(20));
    expect(isDirect(a, b)).toBe(true);
  });
});
