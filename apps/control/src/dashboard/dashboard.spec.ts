import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../testing/test-server.js';
import { contentSecurityPolicy } from './static-site.js';

const INLINE = 'self.__next_f.push([1,"x"])';

describe('the dashboard', () => {
  let server: TestServer;
  let directory: string;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'shadownet-dashboard-'));
    const put = (name: string, text: string) => {
      mkdirSync(join(directory, name, '..'), { recursive: true });
      writeFileSync(join(directory, name), text);
    };
    put('index.html', `<!doctype html><script src="/_next/static/a.js"></script><script>${INLINE}</script>overview`);
    put('nodes.html', 'nodes');
    put('help/index.html', 'help');
    put('404.html', 'nothing');
    put('nodes.txt', '1:"$"');
    put('peers.html', 'shadowed by the API');
    put('_next/static/a.js', 'run()');
    put('_next/static/a.css', 'a{}');
    server = await TestServer.start({ dashboardDir: directory });
  });
  afterAll(async () => {
    await server.stop();
    rmSync(directory, { recursive: true });
  });

  const get = (path: string, headers: Record<string, string> = {}) => fetch(server.url + path, { headers });

  it.each([
    ['/', 'text/html; charset=utf-8', 'no-cache'],
    ['/nodes', 'text/html; charset=utf-8', 'no-cache'],
    ['/nodes.html', 'text/html; charset=utf-8', 'no-cache'],
    ['/nodes?peer=1', 'text/html; charset=utf-8', 'no-cache'],
    ['/help', 'text/html; charset=utf-8', 'no-cache'],
    ['/help/', 'text/html; charset=utf-8', 'no-cache'],
    ['/nodes.txt', 'text/plain; charset=utf-8', 'no-cache'],
    ['/_next/static/a.js', 'text/javascript; charset=utf-8', 'public, max-age=31536000, immutable'],
    ['/_next/static/a.css', 'text/css; charset=utf-8', 'public, max-age=31536000, immutable'],
  ])('serves %s as %s', async (path, type, cache) => {
    const response = await get(path);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe(type);
    expect(response.headers.get('cache-control')).toBe(cache);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('referrer-policy')).toBe('no-referrer');
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('lets run only the scripts that it was exported with, and frames nothing', async () => {
    const policy = (await get('/')).headers.get('content-security-policy')!;
    const hash = createHash('sha256').update(INLINE).digest('base64');
    expect(policy).toContain(`script-src 'self' 'sha256-${hash}';`);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(contentSecurityPolicy('<script type="module" src="x"></script>')).toContain("script-src 'self';");
    expect(policy).not.toMatch(/script-src[^;]*unsafe/);
  });

  it('answers 304 to who has the page already', async () => {
    const etag = (await get('/nodes')).headers.get('etag')!;
    expect((await get('/nodes', { 'if-none-match': etag })).status).toBe(304);
    expect((await get('/nodes', { 'if-none-match': '"other"' })).status).toBe(200);
  });

  it('answers what does not exist with its own page to people, and a problem to programs', async () => {
    const page = await get('/nope', { accept: 'text/html' });
    expect([page.status, await page.text()]).toEqual([404, 'nothing']);
    for (const path of ['/nope', '/api/v1/nope', '/api/nope']) {
      const response = await get(path, path === '/nope' ? {} : { accept: 'text/html' });
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ code: 'not-found' });
    }
    expect((await fetch(`${server.url}/nodes`, { method: 'POST' })).status).toBe(404);
  });

  it('never hides a route of the API', async () => {
    expect((await get('/peers')).status).toBe(401);
  });

  it.each(['/../server.key', '/..%2f..%2fetc%2fpasswd', '/%2e%2e/%2e%2e/etc/passwd', '//etc/passwd', '/%00', '/%zz'])(
    'has nothing at %s',
    async (path) => {
      expect(await rawStatus(server.url, path)).toBe(404);
    },
  );

  it('without an export says how to build one', async () => {
    const empty = mkdtempSync(join(tmpdir(), 'shadownet-dashboard-'));
    const bare = await TestServer.start({ dashboardDir: join(empty, '<missing>') });
    const page = await (await fetch(bare.url)).text();
    expect(page).toContain('npm run build');
    expect(page).not.toContain('<missing>');
    expect((await fetch(`${bare.url}/nodes`)).status).toBe(404);
    await bare.stop();
    rmSync(empty, { recursive: true });
  });

  it('skips links that lead nowhere', async () => {
    const odd = mkdtempSync(join(tmpdir(), 'shadownet-dashboard-'));
    writeFileSync(join(odd, 'index.html'), 'x');
    symlinkSync('/nonexistent', join(odd, 'dangling'));
    const bare = await TestServer.start({ dashboardDir: odd });
    expect((await fetch(`${bare.url}/dangling`)).status).toBe(404);
    await bare.stop();
    rmSync(odd, { recursive: true });
  });
});

/** fetch() would tidy the path up. */
function rawStatus(url: string, path: string): Promise<number> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const request = httpRequest({ hostname, port, path }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    });
    request.on('error', reject).end();
  });
}
