import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemSchema } from '@shadownet/contracts';
import { TestServer } from '../testing/test-server.js';
import { isLoopbackHost } from './host-check.js';

/** The status and body of a GET with any Host header. */
function getAs(url: string, path: string, host: string): Promise<{ status: number; text: string }> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const request = httpRequest({ hostname, port, path, headers: { host } }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve({ status: response.statusCode!, text }));
    });
    request.on('error', reject).end();
  });
}

describe('a server on loopback', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start({ open: false });
  });
  afterAll(() => server.stop());

  it.each(['/', '/api/v1/overview', '/api/v1/server', '/api/docs-json', '/peers'])(
    'does not answer %s under a foreign name (DNS rebinding)',
    async (path) => {
      const { status, text } = await getAs(server.url, path, 'evil.example');
      expect(status).toBe(421);
      expect(JSON.parse(text)).toMatchObject({ code: 'host-not-allowed' });
    },
  );

  it('answers under loopback names, and the health check under any', async () => {
    for (const host of ['localhost:8080', '127.0.0.1', '[::1]:8080', '127.1.2.3:1']) {
      expect((await getAs(server.url, '/api/v1/server', host)).status, host).toBe(200);
    }
    expect((await getAs(server.url, '/healthz', 'probe.example')).status).toBe(200);
  });

  it.each([
    undefined,
    '',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '10.0.0.1',
    '[::2]',
    '[::1',
    'localhost:x',
  ])('takes %s for a foreign name', (host) => expect(isLoopbackHost(host)).toBe(false));

  it('answers every error as problem+json', async () => {
    for (const [method, path] of [
      ['GET', '/api/v1/nothing'],
      ['DELETE', '/api/v1/peers'],
      ['POST', '/api/v1/register'],
      ['PUT', '/%ff'],
    ] as const) {
      const response = await fetch(server.url + path, { method });
      expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      const problem = problemSchema.parse(await response.json());
      expect(problem.status).toBe(response.status);
      expect(problem.type).toBe(`urn:shadownet:problem:${problem.code}`);
    }
  });

  it('describes itself without help from elsewhere', async () => {
    const document = (await (await fetch(`${server.url}/api/docs-json`)).json()) as {
      paths: Record<string, unknown>;
      components: { schemas: Record<string, unknown> };
    };
    const paths = Object.keys(document.paths);
    for (const path of ['/healthz', '/api/v1/events', '/api/v1/overview', '/api/v1/peers'])
      expect(paths).toContain(path);
    // Each route once, without the aliases at the root.
    for (const path of paths) expect(path).toMatch(/^\/(api\/v1\/|(healthz|livez|readyz|metrics)$)/);
    expect(document.components.schemas['RegisterRequestDto']).toMatchObject({
      properties: { public_key: { type: 'string' } },
    });
    const page = await fetch(`${server.url}/api/docs`);
    const html = await page.text();
    expect(page.headers.get('content-security-policy')).toMatch(/script-src 'self';/);
    expect(html).not.toMatch(/<script(?![^>]*src=)[^>]*>\s*\S|(?:src|href)="(?:https?:)?\/\//);
    for (const [, file] of html.matchAll(/src="\.\/(docs\/[^"]+)"/g)) {
      expect((await fetch(`${server.url}/api/${file}`)).status).toBe(200);
    }
  });
});

describe('a server with --open', () => {
  it('answers under any name', async () => {
    const server = await TestServer.start({ open: true });
    expect((await getAs(server.url, '/api/v1/overview', 'control.example')).status).toBe(200);
    await server.stop();
  });
});

describe('the limit per source', () => {
  it('refuses a flood before it looks at it, and lets the source in again later', async () => {
    const server = await TestServer.start({}, { sourceLimits: { perSecond: 5, burst: 10, maxSources: 10 } });
    const answers = await Promise.all(Array.from({ length: 30 }, () => server.node().register()));
    const served = answers.filter(({ status }) => status === 200).length;
    expect(served).toBeGreaterThanOrEqual(10);
    expect(served).toBeLessThan(20);
    const refused = answers.find(({ status }) => status !== 200)!;
    expect(refused).toMatchObject({ status: 429, headers: { 'retry-after': '1' } });
    expect(refused.json).toMatchObject({ code: 'rate-limited' });
    await expect.poll(async () => (await server.node().register()).status, { interval: 100 }).toBe(200);
    await server.stop();
  });
});
