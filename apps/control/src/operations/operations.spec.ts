import { bundleRelayWorker } from '@shadownet/relayhost/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../testing/test-server.js';

describe('what operators ask the server', () => {
  let worker: ReturnType<typeof bundleRelayWorker>;
  let server: TestServer;
  beforeAll(() => {
    worker = bundleRelayWorker();
  });
  afterAll(() => worker.remove());
  afterEach(() => server.stop());

  const text = async (path: string, headers: Record<string, string> = {}): Promise<string> =>
    (await fetch(`${server.url}${path}`, { headers })).text();

  it('is answered to anybody as to whether it lives and works', async () => {
    server = await TestServer.start();
    for (const path of ['/livez', '/readyz', '/healthz']) {
      expect(JSON.parse(await text(path))).toEqual({ status: 'ok' });
    }
  });

  it('is told with a token only as to how it does', async () => {
    server = await TestServer.start({ open: false });
    expect((await fetch(`${server.url}/metrics`)).status).toBe(401);
    const response = await fetch(`${server.url}/metrics`, { headers: await server.token('viewer') });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain;.*version=0\.0\.4/);
    expect(await response.text()).toContain('shadownet_nodes{state="online"} 0\n');
  });

  it('counts nodes, streams, and requests by route, and makes no series of what strangers ask for', async () => {
    server = await TestServer.start({ open: true });
    const [a, b] = [server.node(), server.node()];
    await a.register();
    await b.register();
    await a.call('POST', '/api/v1/goodbye', { id: a.id });
    const stream = await b.openStream();
    await text('/no-such-file-1');
    await text('/no-such-file-2?x=1');
    const metrics = await text('/metrics');
    expect(metrics).toContain('shadownet_nodes{state="online"} 1\n');
    expect(metrics).toContain('shadownet_nodes{state="offline"} 1\n');
    expect(metrics).toContain('shadownet_event_streams 1\n');
    expect(metrics).toMatch(
      /^shadownet_http_request_duration_seconds_count\{method="POST",route="\/api\/v1\/register",status="\d+"\} 2$/m,
    );
    expect(metrics).not.toContain('no-such-file');
    stream.close();
  });

  it('tells what the relay in the process has forwarded', async () => {
    server = await TestServer.start({ open: true, relay: true, relayPort: '0' }, { relayWorker: worker.entry });
    expect(await text('/metrics')).toContain('shadownet_relay_forwarded_bytes_total 0\n');
  });
});
