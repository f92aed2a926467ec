import { describe, expect, it } from 'vitest';
import type { RelayEvent } from './client/relay-client-types.js';
import { MAX_HELD_FRAMES } from './constants.js';
import { FrameType } from './frame.js';
import { initiation, probe, seeded, stun, transport } from './payloads.contract.js';
import { type SimulatedClient, SimulatedRelays } from './simulated-relays.js';

describe('two clients of a relay', () => {
  it('reach each other by key within a few round trips of starting together', () => {
    const world = new SimulatedRelays(seeded(1));
    world.addRelay('home', { delay: 20 });
    const [a, b] = [world.addClient(), world.addClient()];
    for (const client of [a, b]) world.know(client);
    world.run(300 + 7 * 20);
    a.send('home', b, transport(100));
    world.run(6 * 20);
    expect(b.received).toMatchObject([{ bytes: transport(100), peer: a.publicKey, relay: 'home' }]);
    b.send('home', a, transport(64, 9));
    world.run(2 * 20);
    expect(a.received).toMatchObject([{ bytes: transport(64, 9), peer: b.publicKey }]);
  });

  it('exchange signals, and nothing else than WireGuard, probes and signals', () => {
    const { world, a, b } = pair();
    a.client.sendSignal('home', b.publicKey, Uint8Array.of(1, 2, 3), world.now, a.out);
    world.run(100);
    a.client.sendSignal('home', b.publicKey, Uint8Array.of(4), world.now, a.out);
    for (const bytes of [probe(), transport(32), initiation()]) a.send('home', b, bytes);
    for (const bytes of [new Uint8Array(100), initiation().subarray(1), stun(), new Uint8Array(0)])
      a.send('home', b, bytes);
    world.run(100);
    expect(b.signals.map(({ bytes }) => [...bytes])).toContainEqual([4]);
    expect(b.received.slice(1).map(({ bytes }) => bytes)).toEqual([probe(), transport(32), initiation()]);
    expect(world.relays.get('home')!.server!.counters.dropped['not-forwardable']).toBe(4);
  });

  it('lose nothing that was sent while the channel was being asked for, up to a few frames', () => {
    const { world, a, b } = pair({ exchanged: false });
    for (let i = 0; i < MAX_HELD_FRAMES; i++) a.send('home', b, transport(64, i));
    world.run(100);
    expect(b.received.map(({ bytes }) => bytes[40])).toEqual(Array.from({ length: MAX_HELD_FRAMES }, (_, i) => i));
  });

  it('ask once for an unknown channel, however many frames come by it', () => {
    const { world, a, b } = pair({ exchanged: false });
    const relay = world.relays.get('home')!;
    let lost = 0;
    world.loses = (bytes) => bytes[0] === FrameType.resolved && lost++ === 1;
    a.send('home', b, transport(64));
    world.run(25);
    const before = world.wire.length;
    for (let i = 0; i < 40; i++) a.send('home', b, transport(64, i));
    world.run(100);
    const asked = world.wire
      .slice(before)
      .filter(({ bytes, from }) => bytes[0] === FrameType.resolve && from === b.endpoint);
    expect(lost).toBeGreaterThan(1);
    expect(asked).toHaveLength(1);
    expect(b.received).toHaveLength(MAX_HELD_FRAMES);
    expect(relay.server!.counters.dropped['rate-limited']).toBe(0);
  });

  it('learn that the other is not there, and that it has come', () => {
    const world = new SimulatedRelays(seeded(2));
    world.addRelay('home');
    const a = world.connectedClient();
    const b = world.addClient();
    a.send('home', b, transport(64));
    world.run(100);
    const waited = { relay: 'home', peer: b.publicKey, unsent: [transport(64)] };
    expect(a.events).toContainEqual({ kind: 'peer-absent', ...waited });
    world.know(b);
    world.run(1000);
    b.send('home', a, transport(64));
    world.run(100);
    expect(a.events.at(-1)).toEqual({ kind: 'peer-present', relay: 'home', peer: b.publicKey });
    b.client.close(b.out);
    a.send('home', b, transport(64));
    world.run(100);
    expect(a.events.at(-1)).toEqual({ kind: 'peer-absent', relay: 'home', peer: b.publicKey, unsent: [] });
  });

  it('of different networks do not see each other', () => {
    const networks = new Map<string, string>();
    const world = new SimulatedRelays(seeded(3), {
      admit: (client) => ({ ok: true, network: networks.get(client.join()) ?? 'one' }),
    });
    world.addRelay('home');
    const a = world.connectedClient();
    const b = world.addClient();
    networks.set(b.publicKey.join(), 'two');
    world.know(b);
    world.run(1000);
    a.send('home', b, transport(64));
    world.run(1000);
    expect(a.events.at(-1)?.kind).toBe('peer-absent');
    expect(b.received).toEqual([]);
  });

  it.each([0.05, 0.2])('get through a network that loses %d of all datagrams', (loss) => {
    const { world, a, b } = pair();
    const random = seeded(4);
    world.loses = () => random(1)[0]! / 256 < loss;
    let sent = 0;
    for (let i = 0; i < 200; i++) {
      if (a.send('home', b, transport(64, i))) sent++;
      world.run(50);
    }
    expect(sent).toBeGreaterThan(190);
    expect(b.received.length).toBeGreaterThan(sent * (1 - 2 * loss) - 20);
  });
});

describe('a client whose address changes', () => {
  it('is forwarded to at its new address within 3 s, by proving it anew', () => {
    const { world, a, b } = pair();
    const server = world.relays.get('home')!.server!;
    b.rebind();
    const rebound = world.now;
    for (let i = 0; i < 60; i++) {
      a.send('home', b, transport(64, i));
      b.send('home', a, transport(64, i));
      world.run(50);
    }
    const first = b.received.find(({ at }) => at > rebound);
    expect(first!.at - rebound).toBeLessThan(3000);
    expect(server.counters.confirmed).toBe(3);
    expect(server.clients).toBe(2);
    expect(a.events.filter(({ kind }) => kind === 'peer-absent')).toEqual([]);
  });

  it('is at its new address after one exchange when it knows of the change', () => {
    const { world, a, b } = pair();
    b.rebind();
    b.client.refresh(world.now, b.out);
    world.run(60);
    a.send('home', b, transport(64, 7));
    world.run(30);
    expect(b.received.at(-1)?.bytes[40]).toBe(7);
  });
});

describe('a client without UDP', () => {
  it('comes by WebSocket, reaches those who come by UDP, and returns to UDP when that works', () => {
    const world = new SimulatedRelays(seeded(5));
    world.addRelay('home', { stream: true });
    const a = world.connectedClient();
    const b = world.addClient();
    b.udpBlocked = true;
    world.know(b);
    world.run(3000);
    expect(b.events).toContainEqual({ kind: 'relay-up', relay: 'home', transport: 'stream' });
    expect(b.client.home).toBe('home');
    a.send('home', b, transport(64, 1));
    world.run(100);
    b.send('home', a, transport(64, 2));
    world.run(100);
    expect([b.received.length, a.received.length]).toEqual([1, 1]);

    b.udpBlocked = false;
    world.run(31_000);
    expect(b.client.status()[0]).toMatchObject({ state: 'up', transport: 'udp' });
    expect(b.streams.size).toBe(0);
    a.send('home', b, transport(64, 3));
    world.run(100);
    expect(b.received.at(-1)?.bytes[40]).toBe(3);
  });

  it.each([
    ['400 ms and five round trips after it knows the relay', {}, 400 + 5 * 20],
    ['at once where a WebSocket was what worked last', { lastTransport: 'stream' }, 5 * 20],
  ] as const)('is connected %s', (_, options, ms) => {
    const world = new SimulatedRelays(seeded(11));
    world.addRelay('home', { stream: true });
    const client = world.addClient(options);
    client.udpBlocked = true;
    world.know(client);
    world.run(ms);
    expect(client.client.home).toBe('home');
    expect(client.events).toContainEqual({ kind: 'relay-up', relay: 'home', transport: 'stream' });
  });

  it('is one by UDP as soon as that answers, also after the WebSocket', () => {
    const world = new SimulatedRelays(seeded(12));
    world.addRelay('home', { stream: true });
    const client = world.addClient();
    world.loses = () => world.now < 2000;
    world.know(client);
    world.run(5000);
    const ups = client.events.filter((event) => event.kind === 'relay-up').map(({ transport }) => transport);
    expect(ups).toEqual(['stream', 'udp']);
    expect(client.events.filter(({ kind }) => kind === 'relay-down')).toEqual([]);
    expect(client.streams.size).toBe(0);
  });

  it.each([
    ['that it knows of', true, 500],
    ['that it has to find out, while it sends', false, 3000],
  ])('has its WebSocket soon after a change %s', (_, isTold, ms) => {
    const world = new SimulatedRelays(seeded(13));
    world.addRelay('home', { stream: true });
    const [client, peer] = [world.connectedClient(), world.connectedClient()];
    client.udpBlocked = true;
    if (isTold) client.client.refresh(world.now, client.out);
    for (let passed = 0; passed < ms; passed += 50) {
      client.send('home', peer, transport(64));
      world.run(50);
    }
    expect(client.client.status()[0]).toMatchObject({ state: 'up', transport: 'stream' });
    peer.received.length = 0;
    client.send('home', peer, transport(64, 5));
    world.run(50);
    expect(peer.received.at(-1)?.bytes[40]).toBe(5);
    client.udpBlocked = false;
    world.run(31_000);
    expect(client.client.status()[0]).toMatchObject({ state: 'up', transport: 'udp' });
  });

  it('opens no second WebSocket while the relay refuses the first', () => {
    const world = new SimulatedRelays(seeded(14));
    const relay = world.addRelay('home', { stream: true });
    const client = world.connectedClient();
    let opened = 0;
    const { openStream } = client.out;
    Object.assign(client.out, {
      openStream: (id: string, url: string) => {
        opened++;
        openStream(id, url);
      },
    });
    relay.server = undefined;
    client.client.refresh(world.now, client.out);
    world.run(4000);
    expect(opened).toBe(1);
  });
});

describe('the home relay', () => {
  it('is the nearest one', () => {
    const world = threeRelays();
    const client = world.connectedClient();
    expect(client.client.home).toBe('near');
    expect(client.client.status().filter(({ state }) => state === 'up')).toHaveLength(1);
  });

  it('changes when it dies, within 5 s while something is sent, and when another is clearly nearer', () => {
    const world = threeRelays();
    const client = world.connectedClient();
    const other = world.connectedClient();
    world.relays.get('near')!.server = undefined;
    const died = world.now;
    for (let i = 0; i < 100 && client.client.home === 'near'; i++) {
      client.send('near', other, transport(64));
      world.run(100);
    }
    expect(client.client.home).toBe('middle');
    expect(world.now - died).toBeLessThan(5000);

    world.startRelay(world.relays.get('near')!);
    world.run(120_000);
    expect(client.client.home).toBe('near');
  });

  it('stays when another is only a little nearer', () => {
    const world = threeRelays();
    const client = world.connectedClient();
    world.relays.get('middle')!.delay = 9;
    world.run(300_000);
    expect(client.events.filter(({ kind }) => kind === 'home-changed')).toHaveLength(1);
  });

  it('of a peer is visited, and left when nothing was sent there for minutes', () => {
    const world = threeRelays();
    const a = world.connectedClient();
    const b = world.connectedClient();
    // b announces 'far' as if it were its home.
    b.send('far', a, transport(64));
    world.run(500);
    for (let i = 0; i < 20; i++) {
      a.send('far', b, transport(64, i));
      world.run(100);
    }
    expect(b.received.length).toBeGreaterThan(10);
    world.run(4 * 60_000);
    expect(a.client.status().find(({ id }) => id === 'far')).toMatchObject({ state: 'idle' });
    expect(world.relays.get('far')!.server!.clients).toBe(0);
  });
});

describe('a session', () => {
  it('is kept by few frames while nothing is sent, and ends at the relay when the client is gone', () => {
    const world = new SimulatedRelays(seeded(6));
    const relay = world.addRelay('home');
    const client = world.connectedClient();
    world.run(30_000);
    const before = world.wire.length;
    world.run(600_000);
    expect(relay.server!.clients).toBe(1);
    expect((world.wire.length - before) / 600).toBeLessThan(0.45);
    client.udpBlocked = true;
    world.run(50_000);
    expect(relay.server!.clients).toBe(0);
  });

  it('is renewed before it ends, without a gap', () => {
    const { world, a, b } = pair();
    for (let minute = 0; minute < 13 * 60; minute++) {
      a.send('home', b, transport(64));
      world.run(60_000);
      expect(b.received.length).toBe(minute + 2);
    }
    expect(world.relays.get('home')!.server!.counters.confirmed).toBeGreaterThanOrEqual(6);
    expect(a.events.filter(({ kind }) => kind === 'relay-down')).toEqual([]);
  });

  it('goes on when its renewal is not answered, as long as the relay answers otherwise', () => {
    const { world, a, b } = pair();
    world.loses = (bytes) => bytes[0] === FrameType.hello;
    for (let minute = 0; minute < 5.5 * 60; minute++) {
      a.send('home', b, transport(64));
      world.run(60_000);
    }
    expect(b.received).toHaveLength(1 + 5.5 * 60);
    world.loses = () => false;
    world.run(60_000);
    expect(world.relays.get('home')!.server!.counters.confirmed).toBe(4);
    expect(a.events.filter(({ kind }) => kind === 'relay-down')).toEqual([]);
  });

  it('ends at once when the key is revoked, and comes back only if it is admitted', () => {
    let revoked = false;
    const world = new SimulatedRelays(seeded(7), {
      admit: () => (revoked ? { ok: false, reason: 'revoked' } : { ok: true, network: 'test' }),
    });
    const relay = world.addRelay('home');
    const client = world.connectedClient();
    revoked = true;
    relay.server!.revoke('test', client.publicKey, world.output(relay));
    expect(relay.server!.clients).toBe(0);
    world.run(5000);
    const downs = client.events.filter(
      (event): event is RelayEvent & { kind: 'relay-down' } => event.kind === 'relay-down',
    );
    expect(downs[0]).toMatchObject({ reason: 'closed' });
    expect(client.client.status()[0]).toMatchObject({ state: 'waiting', lastFailure: 'revoked' });
    revoked = false;
    world.run(31_000);
    expect(relay.server!.clients).toBe(1);
  });

  it('survives a restart of the relay, whose channels are others', () => {
    const { world, a, b } = pair();
    const relay = world.relays.get('home')!;
    world.connectedClient();
    world.startRelay(relay);
    for (let i = 0; i < 100; i++) {
      a.send('home', b, transport(64));
      world.run(100);
      b.send('home', a, transport(64));
    }
    world.run(10_000);
    b.received.length = 0;
    a.send('home', b, transport(64));
    world.run(200);
    expect(b.received).toHaveLength(1);
  });
});

function pair({ exchanged = true } = {}): { world: SimulatedRelays; a: SimulatedClient; b: SimulatedClient } {
  const world = new SimulatedRelays(seeded(8));
  world.addRelay('home');
  const [a, b] = [world.connectedClient(), world.connectedClient()];
  if (exchanged) {
    a.send('home', b, transport(64));
    world.run(200);
    expect(b.received).toHaveLength(1);
  }
  return { world, a, b };
}

function threeRelays(): SimulatedRelays {
  const world = new SimulatedRelays(seeded(9));
  world.addRelay('far', { delay: 80 });
  world.addRelay('near', { delay: 10 });
  world.addRelay('middle', { delay: 30 });
  return world;
}
