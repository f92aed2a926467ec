import { overviewSchema, serverInfoSchema } from '@shadownet/contracts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HeartbeatPace } from '../nodes/heartbeat-pace.js';
import { TestClock, TestServer } from '../testing/test-server.js';

describe('the overview', () => {
  let server: TestServer;
  const clock = new TestClock();

  beforeEach(async () => {
    server = await TestServer.start({ open: true }, { clock });
  });
  afterEach(() => server.stop());

  const overview = async () => {
    const response = await fetch(`${server.url}/api/v1/overview`);
    expect(response.headers.get('cache-control')).toBe('no-store');
    return overviewSchema.parse(await response.json());
  };

  it('shows the nodes, and the links as each end reported them', async () => {
    const [a, b] = [server.node(), server.node()];
    await a.register({ hostname: 'host-a' });
    await b.register({ hostname: 'host-b' });
    const report = {
      public_key: b.publicKey,
      path: 'direct',
      state: 'connected',
      endpoint: '198.51.100.9:4000',
      rtt_ms: 1.25,
      last_handshake_age_ms: 5000,
      rx_bytes: 2 ** 52,
      tx_bytes: 12,
    };
    expect((await a.heartbeat({ peers: [report] })).status).toBe(200);
    expect((await a.heartbeat({ peers: [{ ...report, tx_bytes: 13 }] })).status).toBe(200);

    const seen = await overview();
    expect(seen.nodes).toMatchObject([
      { id: a.id, hostname: 'host-a', virtual_ip: '10.100.0.1', online: true },
      { id: b.id, hostname: 'host-b', virtual_ip: '10.100.0.2', online: true },
    ]);
    expect(seen.links).toMatchObject([
      { from: a.id, to: b.id, path: 'direct', rtt_ms: 1.25, rx_bytes: 2 ** 52, tx_bytes: 13 },
    ]);
    const age = Date.parse(seen.links[0]!.reported_at) - Date.parse(seen.links[0]!.last_handshake!);
    expect(age).toBe(5000);
    expect(seen.network).toMatchObject({ cidr: '10.100.0.0/16', server_public_key: server.running.publicKey });
  });

  it('leaves out reports about keys that are not registered, and about the reporter itself', async () => {
    const [a, stranger] = [server.node(), server.node()];
    await a.register();
    const report = {
      path: 'none',
      state: 'idle',
      endpoint: null,
      rtt_ms: null,
      last_handshake_age_ms: null,
      rx_bytes: 0,
      tx_bytes: 0,
    };
    const peers = [stranger.publicKey, a.publicKey].map((key) => ({ ...report, public_key: key }));
    expect((await a.heartbeat({ peers })).status).toBe(200);
    expect((await overview()).links).toEqual([]);
  });

  it('takes a report of 1,024 links at once', async () => {
    const a = server.node();
    const b = server.node();
    await a.register();
    await b.register();
    const report = {
      path: 'none',
      state: 'idle',
      endpoint: null,
      rtt_ms: null,
      last_handshake_age_ms: null,
      rx_bytes: 0,
      tx_bytes: 0,
    };
    const strangers = Array.from({ length: 1023 }, (_, i) => {
      const key = Buffer.alloc(32, 9);
      key.writeUInt16LE(i);
      return { ...report, public_key: key.toString('base64') };
    });
    expect((await a.heartbeat({ peers: [...strangers, { ...report, public_key: b.publicKey }] })).status).toBe(200);
    expect((await overview()).links).toHaveLength(1);
  });

  it('makes nodes report every 2 s while somebody looks at it, and tells them at once', async () => {
    const node = server.node();
    const register = () =>
      node.send(node.sign('POST', '/register', node.registration(), { created: Math.floor(clock.wall() / 1000) }));
    expect((await register()).json).toMatchObject({ heartbeat_interval_ms: 30_000 });
    const stream = await node.openStream();
    await overview();
    expect(await stream.nextOf('heartbeat-interval')).toMatchObject({ payload: { heartbeat_interval_ms: 2_000 } });
    expect((await register()).json).toMatchObject({ heartbeat_interval_ms: 2_000 });

    const pace = server.running.app.get(HeartbeatPace);
    clock.advance(9_000);
    pace.expire();
    expect(pace.intervalMs).toBe(2_000);
    clock.advance(1_500);
    pace.expire();
    expect(await stream.nextOf('heartbeat-interval')).toMatchObject({ payload: { heartbeat_interval_ms: 30_000 } });
    expect((await register()).json).toMatchObject({ heartbeat_interval_ms: 30_000 });
    stream.close();
  });

  it('comes with what a node has to know first, and a health check', async () => {
    const info = serverInfoSchema.parse(await (await fetch(`${server.url}/api/v1/server`)).json());
    expect(info).toMatchObject({ public_key: server.running.publicKey, network_cidr: '10.100.0.0/16', stun_ports: [] });
    expect(await (await fetch(`${server.url}/healthz`)).json()).toEqual({ status: 'ok' });
  });
});
