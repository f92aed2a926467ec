import { describe, expect, it } from 'vitest';
import { TestServer } from './testing/test-server.js';

describe('the log', () => {
  it('names requests with an id, and never shows a signature, a header or a key', async () => {
    let text = '';
    const server = await TestServer.start({ logLevel: 'trace' }, { log: { write: (line: string) => (text += line) } });
    const node = server.node();
    const call = node.sign('POST', '/api/v1/register', node.registration());
    await node.send(call, { authorization: 'Bearer hunter2', cookie: 'session=hunter2' });
    await node.send({ ...call, body: new Uint8Array(0) }, { authorization: 'Bearer hunter2' });
    await node.heartbeat();
    const { headers } = await fetch(`${server.url}/api/v1/accounts`, { headers: await server.token('admin') });
    await server.stop();

    const requests = text
      .trim()
      .split('\n')
      .map(
        (line) =>
          JSON.parse(line) as {
            level: number;
            req?: Record<string, unknown>;
            res?: { statusCode: number };
            actor?: string;
          },
      )
      .filter(({ req }) => req);
    expect(requests).toMatchObject([
      { level: 30, req: { method: 'POST', url: '/api/v1/register' }, res: { statusCode: 200 } },
      { level: 40, res: { statusCode: 401 } },
      { level: 20, req: { url: '/api/v1/heartbeat' } },
      { level: 30, req: { url: '/api/v1/tokens' }, actor: 'local' },
      { level: 30, req: { url: '/api/v1/accounts', id: headers.get('x-request-id') }, actor: 'token:test-admin' },
    ]);
    for (const { req } of requests) expect(Object.keys(req!).sort()).toEqual(['id', 'method', 'url']);
    for (const secret of ['hunter2', 'shadownet=:', 'nonce=', node.publicKey]) expect(text).not.toContain(secret);
  });
});
