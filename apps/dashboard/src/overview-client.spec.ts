import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { fetchOverview } from './overview-client';

let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

/** A real HTTP server on loopback that gives one answer to everything. */
async function answering(status: number, contentType: string, body: string): Promise<string> {
  server = createServer((_request, response) => response.writeHead(status, { 'content-type': contentType }).end(body));
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const never = new AbortController().signal;

describe('fetchOverview', () => {
  it('returns the overview', async () => {
    const url = await answering(200, 'application/json', '{"network":{},"server_time":"","nodes":[],"links":[]}');
    expect(await fetchOverview(url, never)).toMatchObject({ nodes: [], links: [] });
  });

  it('asks the stable path of the API', async () => {
    const asked: string[] = [];
    const send: typeof fetch = async (url) => {
      asked.push(String(url));
      return new Response('{"network":{},"nodes":[],"links":[]}');
    };
    await fetchOverview('', never, send);
    expect(asked).toEqual(['/api/v1/overview']);
  });

  it('shows the title and the detail of a problem', async () => {
    const problem = {
      type: 'about:blank',
      title: 'Too many requests',
      status: 429,
      code: 'rate-limited',
      detail: 'Wait 3 s.',
    };
    const url = await answering(429, 'application/problem+json', JSON.stringify(problem));
    await expect(fetchOverview(url, never)).rejects.toMatchObject({
      code: 'refused',
      problem: 'rate-limited',
      title: 'Too many requests',
      detail: 'Wait 3 s.',
    });
  });

  it('names the status of an error that is not problem+json', async () => {
    const url = await answering(502, 'text/html', '<h1>Bad gateway</h1>');
    await expect(fetchOverview(url, never)).rejects.toMatchObject({ code: 'refused', detail: 'HTTP 502 Bad Gateway' });
  });

  it.each(['<html>sign in to the guest network</html>', '[]', '{"nodes":7}', 'null'])(
    'does not take %s for an overview',
    async (body) => {
      const url = await answering(200, 'application/json', body);
      await expect(fetchOverview(url, never)).rejects.toMatchObject({ code: 'unexpected' });
    },
  );

  it('says that nobody answers when nobody does', async () => {
    const url = await answering(200, 'application/json', '{}');
    await new Promise((resolve) => server!.close(resolve));
    await expect(fetchOverview(url, never)).rejects.toMatchObject({ code: 'unreachable' });
  });

  it('is not an error of the server when the page itself gives up', async () => {
    const url = await answering(200, 'application/json', '{}');
    const left = new AbortController();
    left.abort(new Error('left the page'));
    await expect(fetchOverview(url, left.signal)).rejects.toThrow('left the page');
  });
});
