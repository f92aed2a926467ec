import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TestNode } from '../testing/test-node.js';
import { EventStreams } from '../events/event-streams.js';
import { TestClock, TestServer } from '../testing/test-server.js';
import { Liveness } from './liveness.js';

type Peer = { id: string; online: boolean; endpoint: string | null; candidates: { ip: string }[] } & Record<
  string,
  unknown
>;

async function peersOf(node: TestNode): Promise<Peer[]> {
  return (await node.call('GET', '/peers')).json['peers'] as Peer[];
}

describe('registration', () => {
  let server: TestServer;

  beforeEach(async () => {
    server = await TestServer.start();
  });
  afterEach(() => server.stop());

  it('answers all that a node needs, under the prefix and at the root', async () => {
    const node = server.node();
    const { json } = await node.register();
    expect(json).toEqual({
      success: true,
      peer_id: node.id,
      assigned_ip: '10.100.0.1',
      network_cidr: '10.100.0.0/16',
      server_public_key: server.running.publicKey,
      stun_host: null,
      stun_ports: [],
      relays: [],
      heartbeat_interval_ms: 30_000,
      poll_interval_ms: 60_000,
      map_version: { epoch: expect.any(Number), sequence: 1 },
      server_time: expect.any(String),
    });
    const alias = await node.call('POST', '/register', node.registration());
    expect(alias.json).toMatchObject({ assigned_ip: '10.100.0.1', map_version: { sequence: 1 } });
  });

  it('lists all other nodes, never the caller', async () => {
    const [a, b, c] = [server.node(), server.node(), server.node()];
    for (const node of [a, b, c]) await node.register({ hostname: `host-${node.id.slice(0, 4)}` });
    expect(await peersOf(b)).toEqual([
      {
        id: a.id,
        public_key: a.publicKey,
        virtual_ip: '10.100.0.1',
        endpoint: '203.0.113.7:51820',
        candidates: [],
        home_relay: null,
        hostname: `host-${a.id.slice(0, 4)}`,
        os: 'linux',
        allowed_ips: ['10.100.0.1/32'],
        online: true,
        last_heartbeat: expect.any(String),
      },
      expect.objectContaining({ id: c.id, virtual_ip: '10.100.0.3' }),
    ]);
  });

  it('gives 50 nodes that come at once 50 addresses', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => server.node().register()));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    const addresses = new Set(answers.map(({ json }) => json['assigned_ip']));
    expect(addresses.size).toBe(50);
    expect(addresses).toContain('10.100.0.1');
    expect(addresses).toContain('10.100.0.50');
  });

  it('gives the same key the same address, at once and after a restart, and others go on after it', async () => {
    const keys = [1, 2, 3].map((byte) => Buffer.alloc(32, byte));
    for (const key of keys) await server.node(key).register();
    await server.restart();
    for (const [i, key] of [...keys.entries()].reverse()) {
      expect((await server.node(key).register()).json).toMatchObject({ assigned_ip: `10.100.0.${i + 1}` });
    }
    expect((await server.node().register()).json).toMatchObject({ assigned_ip: '10.100.0.4' });
  });

  it('moves the id when a key comes back under a new one, and tells the others', async () => {
    const watcher = server.node();
    await watcher.register();
    const key = Buffer.alloc(32, 5);
    const [before, after] = [server.node(key), server.node(key)];
    await before.register();
    const stream = await watcher.openStream();
    expect((await after.register()).json).toMatchObject({ peer_id: after.id, assigned_ip: '10.100.0.2' });
    expect(await stream.nextOf('delta')).toMatchObject({
      payload: { removed: [before.id], changed: [{ id: after.id, public_key: after.publicKey }] },
    });
    expect((await peersOf(watcher)).map(({ id }) => id)).toEqual([after.id]);
    expect((await before.heartbeat()).json).toMatchObject({ code: 'unknown-peer' });
    stream.close();
  });

  it('refuses an id that another key has, and leaves both nodes as they were', async () => {
    const [holder, other] = [server.node(), server.node()];
    await holder.register();
    await other.register();
    const answer = await other.register({ id: holder.id });
    expect(answer).toMatchObject({ status: 409, verified: true });
    expect(answer.json).toMatchObject({ code: 'id-taken' });
    expect((await peersOf(holder)).map(({ id }) => id)).toEqual([other.id]);
  });

  it('raises the map’s version only when something changes for others', async () => {
    const node = server.node();
    const sequences: unknown[] = [];
    for (const change of [{}, {}, { version: '9' }, { hostname: 'renamed' }, { endpoint_port: 9 }]) {
      const { json } = await node.register({ ...change });
      sequences.push((json['map_version'] as { sequence: number }).sequence);
    }
    expect(sequences).toEqual([1, 1, 1, 2, 3]);
  });

  it('opens a newer epoch at each start, so that a restored database is never taken for old', async () => {
    const node = server.node();
    const epoch = async () => ((await server.node().register()).json['map_version'] as { epoch: number }).epoch;
    await node.register();
    const first = await epoch();
    await server.restart();
    expect(await epoch()).toBeGreaterThan(first);
  });

  it('keeps what others should not be sent to out of the map', async () => {
    const [node, watcher] = [server.node(), server.node()];
    const ips = [
      '192.168.1.7',
      '127.0.0.1',
      '224.0.0.1',
      '0.0.0.0',
      '255.255.255.255',
      '10.100.3.3',
      'fd00::1',
      'ff02::1',
      '::1',
    ];
    const candidates = [...ips, '192.168.1.7'].map((ip) => ({ kind: 'host', ip, port: 51820 }));
    await node.register({ candidates, endpoint_ip: '10.100.0.9' });
    await watcher.register();
    const [peer] = await peersOf(watcher);
    expect(peer!.candidates.map(({ ip }) => ip)).toEqual(['192.168.1.7', 'fd00::1']);
    expect(peer!.endpoint).toBeNull();
  });
});

describe('a small network', () => {
  it('fills up, says so, and stores nothing of whoever does not fit', async () => {
    const server = await TestServer.start({ network: '10.9.8.0/29' });
    const nodes = Array.from({ length: 6 }, () => server.node());
    const addresses = [];
    for (const node of nodes) addresses.push((await node.register()).json['assigned_ip']);
    expect(addresses).toEqual(['10.9.8.1', '10.9.8.2', '10.9.8.3', '10.9.8.4', '10.9.8.5', '10.9.8.6']);

    const late = server.node();
    const refused = await late.register();
    expect(refused).toMatchObject({ status: 503, verified: true });
    expect(refused.json).toMatchObject({ code: 'address-pool-full', detail: expect.stringContaining('10.9.8.0/29') });
    expect(await peersOf(nodes[0]!)).toHaveLength(5);
    expect((await late.heartbeat()).json).toMatchObject({ code: 'unknown-peer' });
    expect((await nodes[3]!.register()).json).toMatchObject({ assigned_ip: '10.9.8.4' });
    await server.stop();
  });

  it('may grow at a restart, but not leave nodes behind', async () => {
    const server = await TestServer.start({ network: '10.9.8.0/29' });
    const key = Buffer.alloc(32, 3);
    await server.node().register();
    await server.node(key).register();
    await server.restart({ network: '10.9.0.0/16' });
    expect((await server.node(key).register()).json).toMatchObject({ assigned_ip: '10.9.8.2' });
    expect((await server.node().register()).json).toMatchObject({ assigned_ip: '10.9.0.1' });
    await expect(server.restart({ network: '10.200.0.0/16' })).rejects.toMatchObject({
      code: 'pool-mismatch',
      message: expect.stringMatching(/^--network 10\.200\.0\.0\/16 .*10\.9\.0\.1: /),
    });
    await server.restart({ network: '10.9.0.0/16' });
    await server.stop();
  });
});

describe('liveness', () => {
  let server: TestServer;
  let clock: TestClock;
  let a: TestNode;
  let b: TestNode;
  const sweep = () => server.running.app.get(Liveness).sweep();
  const isOnline = async () => (await peersOf(a))[0]!.online;

  /** Requests are signed by the server's clock here. */
  const at = (node: TestNode, method: 'GET' | 'POST', target: string, body?: unknown) =>
    node.send(node.sign(method, target, body, { created: Math.floor(clock.wall() / 1000) }));
  const beat = (node: TestNode) =>
    at(node, 'POST', '/heartbeat', { id: node.id, endpoint_ip: null, endpoint_port: null, candidates: [], peers: [] });

  beforeEach(async () => {
    clock = new TestClock();
    server = await TestServer.start({}, { clock });
    [a, b] = [server.node(), server.node()];
    await a.register();
    await b.register({ endpoint_ip: null, endpoint_port: null });
  });
  afterEach(() => server.stop());

  it('marks a node offline after 120 s of silence, tells the others at once, and removes nothing', async () => {
    const stream = await a.openStream();
    clock.advance(119_000);
    await beat(a);
    await sweep();
    clock.advance(1_100);
    await sweep();
    expect(await stream.nextOf('delta')).toMatchObject({
      payload: { changed: [{ id: b.id, online: false }], removed: [] },
    });
    const peers = (await at(a, 'GET', '/peers')).json['peers'] as Peer[];
    expect(peers).toMatchObject([{ id: b.id, online: false, virtual_ip: '10.100.0.2' }]);

    await beat(b);
    expect(await stream.nextOf('delta')).toMatchObject({
      payload: { changed: [{ id: b.id, online: true }], removed: [] },
    });
    stream.close();
  });

  it('ends the stream of a node that is silent', async () => {
    const stream = await b.openStream();
    await stream.next();
    clock.advance(119_000);
    await beat(a);
    clock.advance(1_100);
    await sweep();
    while ((await stream.next()) !== undefined);
    expect(server.running.app.get(EventStreams).size).toBe(0);
  });

  it('marks nobody offline in the first 120 s after a start', async () => {
    clock.advance(3_600_000);
    await server.restart();
    a.url = server.url;
    clock.advance(119_000);
    await sweep();
    const online = async () => ((await at(a, 'GET', '/peers')).json['peers'] as Peer[])[0]!.online;
    expect(await online()).toBe(true);
    clock.advance(1_100);
    await sweep();
    expect(await online()).toBe(false);
  });

  it('takes a goodbye at its word', async () => {
    expect(await isOnline()).toBe(true);
    expect((await b.call('POST', '/goodbye', { id: b.id })).json).toEqual({ success: true });
    expect(await isOnline()).toBe(false);
    expect((await b.register()).status).toBe(200);
    expect(await isOnline()).toBe(true);
  });

  it('passes a new endpoint and new candidates on at once', async () => {
    const stream = await a.openStream();
    const candidates = [{ kind: 'host', ip: '192.168.1.20', port: 4000 }];
    const answer = await b.heartbeat({ endpoint_ip: '198.51.100.9', endpoint_port: 4000, candidates });
    expect(await stream.nextOf('delta')).toMatchObject({
      payload: { changed: [{ endpoint: '198.51.100.9:4000', candidates }], map_version: answer.json['map_version'] },
    });
    stream.close();
  });

  it('answers a heartbeat that changes nothing with the version as it was', async () => {
    const first = await b.heartbeat();
    const second = await b.heartbeat();
    expect(second.json['map_version']).toEqual(first.json['map_version']);
    expect(second.json).toMatchObject({ success: true, heartbeat_interval_ms: 30_000 });
  });
});
