import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestServer } from '../testing/test-server.js';

describe('nodes', () => {
  let server: TestServer;

  beforeEach(async () => {
    server = await TestServer.start();
  });
  afterEach(() => server.stop());

  it('registers, lists, hears and tells about nodes', async () => {
    const [a, b] = [server.node(), server.node()];
    const registered = await a.register();
    expect(registered).toMatchObject({ status: 200, verified: true });
    expect(registered.json).toMatchObject({ success: true, peer_id: a.id, assigned_ip: '10.100.0.1' });
    const stream = await a.openStream();
    expect(await stream.next()).toMatchObject({ type: 'map', payload: { peers: [] } });

    expect((await b.register()).json).toMatchObject({ assigned_ip: '10.100.0.2' });
    expect(await stream.next()).toMatchObject({ type: 'peer-changed', payload: { peer: { id: b.id, online: true } } });
    const peers = await a.call('GET', '/peers');
    expect(peers).toMatchObject({ status: 200, verified: true });
    expect(peers.json['peers']).toMatchObject([{ id: b.id, public_key: b.publicKey, allowed_ips: ['10.100.0.2/32'] }]);

    expect(await b.heartbeat()).toMatchObject({ status: 200, verified: true });
    expect(await b.call('POST', '/goodbye', { id: b.id })).toMatchObject({ status: 200, verified: true });
    expect(await stream.next()).toMatchObject({ type: 'peer-changed', payload: { peer: { id: b.id, online: false } } });
    stream.close();
  });
});
