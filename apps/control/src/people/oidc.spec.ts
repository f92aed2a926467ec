import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { auditPageSchema } from '@shadownet/contracts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../testing/test-server.js';
import { readOidcFile } from './oidc-config.js';

const PROVIDER = fileURLToPath(new URL('../testing/oidc-provider-process.mjs', import.meta.url));
const PUBLIC_URL = 'https://vpn.example.com';

const directory = mkdtempSync(join(tmpdir(), 'shadownet-oidc-'));
afterAll(() => rmSync(directory, { recursive: true }));

function oidcFile(content: object, mode = 0o600): string {
  const path = join(directory, `${Math.random()}.json`);
  writeFileSync(path, JSON.stringify(content), { mode });
  return path;
}

/** Follows redirects and keeps cookies by origin, as browsers do. The server's public name leads to where it listens. */
class Surfer {
  readonly #cookies = new Map<string, Map<string, string>>();

  constructor(private readonly server: TestServer) {}

  /** The first answer that is no redirect; or that before the one to a URL with `stopAt` in it, and that URL. */
  async go(
    target: string,
    form?: Record<string, string>,
    stopAt?: string,
  ): Promise<{ response: Response; url: string }> {
    let [url, body] = [target, form && new URLSearchParams(form)];
    for (;;) {
      const at = new URL(url.replace(PUBLIC_URL, this.server.url));
      const jar = this.#cookies.get(at.origin) ?? new Map<string, string>();
      this.#cookies.set(at.origin, jar);
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
      const response = await fetch(at, {
        redirect: 'manual',
        headers: { cookie },
        ...(body && { method: 'POST', body }),
      });
      for (const set of response.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(set)!;
        if (value === '') jar.delete(name!);
        else jar.set(name!, value!);
      }
      const location = response.headers.get('location');
      if (location === null) return { response, url };
      body = undefined;
      url = new URL(location, url).href;
      if (stopAt !== undefined && url.includes(stopAt)) return { response, url };
    }
  }

  /** Signs in at the provider as NAME; answers where that ends. */
  async signIn(name: string, stopAt?: string): Promise<string> {
    const login = await this.go(`${PUBLIC_URL}/api/v1/oidc/start`);
    const consent = await this.go(login.url, { prompt: 'login', login: name, password: 'any' });
    return (await this.go(consent.url, { prompt: 'consent' }, stopAt)).url;
  }

  async session(): Promise<unknown> {
    return (await this.go(`${PUBLIC_URL}/api/v1/session`)).response.json();
  }
}

describe('signing in at an OpenID provider', () => {
  let provider: ChildProcess;
  let server: TestServer;

  beforeAll(async () => {
    provider = spawn(process.execPath, [PROVIDER, `${PUBLIC_URL}/api/v1/oidc/callback`], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [issuer] = (await once(createInterface(provider.stdout!), 'line')) as [string];
    const oidc = oidcFile({
      ...{ issuer, client_id: 'shadownet', client_secret: 'the-client-secret', name: 'Example' },
      ...{ scopes: ['openid', 'profile', 'groups'], admins: ['net-admins'], viewers: ['staff'] },
    });
    server = await TestServer.start({ oidc, publicUrl: PUBLIC_URL });
  });
  afterAll(async () => {
    await server?.stop();
    provider.kill();
  });

  it('gives the role that the groups there say', async () => {
    for (const [name, role] of [
      ['root', 'admin'],
      ['alice', 'viewer'],
    ] as const) {
      const surfer = new Surfer(server);
      expect(await surfer.signIn(name)).toBe(`${PUBLIC_URL}/`);
      expect(await surfer.session()).toMatchObject({ person: { name, role, has_password: false }, oidc: 'Example' });
      const accounts = (await surfer.go(`${PUBLIC_URL}/api/v1/accounts`)).response.status;
      expect(accounts).toBe(role === 'admin' ? 200 : 403);
    }
    const { entries } = await server.admin.call(auditPageSchema, 'GET', '/audit?action=oidc.sign-in');
    expect(entries).toMatchObject([
      { subject: 'oidc:alice', after: { role: 'viewer', sub: 'alice' } },
      { subject: 'oidc:root' },
    ]);
  });

  it('lets nobody in who is in no group that counts', async () => {
    const surfer = new Surfer(server);
    expect(await surfer.signIn('mallory')).toBe(`${PUBLIC_URL}/?sign-in=no-role`);
    expect(await surfer.session()).toMatchObject({ person: null });
  });

  it('takes an answer once, and only in the browser that asked for it', async () => {
    const [victim, attacker] = [new Surfer(server), new Surfer(server)];
    const callback = await attacker.signIn('root', '/oidc/callback');
    const refused = `${PUBLIC_URL}/?sign-in=not-proved`;
    expect((await victim.go(callback)).url).toBe(refused);
    expect(await victim.session()).toMatchObject({ person: null });
    expect((await attacker.go(callback)).url).toBe(`${PUBLIC_URL}/`);
    expect((await attacker.go(callback)).url).toBe(refused);
  });

  it.each(['state', 'code', 'iss'])('refuses an answer whose %s was changed', async (field) => {
    const surfer = new Surfer(server);
    const callback = new URL(await surfer.signIn('root', '/oidc/callback'));
    callback.searchParams.set(field, 'https://evil.example');
    expect((await surfer.go(callback.href)).url).toBe(`${PUBLIC_URL}/?sign-in=not-proved`);
    expect(await surfer.session()).toMatchObject({ person: null });
  });
});

describe('a provider that would make the server ask elsewhere (SSRF)', () => {
  const servers: Server[] = [];
  afterEach(() => servers.splice(0).forEach((one) => one.close()));

  /** A server on loopback, and what it was asked. */
  async function listening(answer: (origin: string) => { status: number; headers?: object; body?: object }) {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url!);
      const { status, headers = {}, body = {} } = answer(origin);
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
    }).listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return { origin, asked };
  }

  const documentOf = (issuer: string, endpoints: object = {}) => ({
    ...{
      issuer,
      authorization_endpoint: `${issuer}/auth`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
    },
    ...{ response_types_supported: ['code'], subject_types_supported: ['public'], ...endpoints },
  });

  async function startAt(issuer: string): Promise<Response> {
    const oidc = oidcFile({ issuer, client_id: 'x', client_secret: 'the-client-secret' });
    const server = await TestServer.start({ oidc });
    const started = await fetch(`${server.url}/api/v1/oidc/start`, { redirect: 'manual' });
    if (started.status === 303) {
      const { state } = Object.fromEntries(new URL(started.headers.get('location')!).searchParams);
      const cookie = started.headers.getSetCookie()[0]!.split(';')[0]!;
      const callback = `${server.url}/api/v1/oidc/callback?code=x&state=${state}`;
      const answer = await fetch(callback, { redirect: 'manual', headers: { cookie } });
      await server.stop();
      return answer;
    }
    await server.stop();
    return started;
  }

  it('by redirecting is not followed', async () => {
    const inside = await listening(() => ({ status: 200 }));
    const issuer = await listening(() => ({ status: 302, headers: { location: `${inside.origin}/secrets` } }));
    expect((await startAt(issuer.origin)).status).toBe(503);
    expect([issuer.asked.length, inside.asked.length]).toEqual([1, 0]);
  });

  it('by an endpoint at another host is not asked there', async () => {
    const inside = await listening(() => ({ status: 200 }));
    const issuer = await listening((origin) => ({
      status: 200,
      body: documentOf(origin, { token_endpoint: `${inside.origin}/token`, jwks_uri: `${inside.origin}/jwks` }),
    }));
    expect((await startAt(issuer.origin)).headers.get('location')).toBe('/?sign-in=not-proved');
    expect(inside.asked).toEqual([]);
  });

  it('by another name than it was asked under is not believed', async () => {
    const issuer = await listening(() => ({ status: 200, body: documentOf('https://accounts.example.com') }));
    expect((await startAt(issuer.origin)).status).toBe(503);
  });

  it.each([
    'http://accounts.example.com',
    'http://localhost:1',
    'http://10.0.0.1',
    'file:///etc/passwd',
    'https://a:b@c.example',
  ])('by the issuer %s is refused at the start', (issuer) => {
    expect(() => readOidcFile(oidcFile({ issuer, client_id: 'x' }))).toThrow(/issuer|Invalid/);
  });

  it('is described in a file for the server’s user alone, which no error quotes', () => {
    const content = { issuer: 'https://accounts.example.com', client_id: 'x', client_secret: 'the-client-secret' };
    expect(() => readOidcFile(oidcFile(content, 0o644))).toThrow('is open to other users');
    const broken = join(directory, 'broken.json');
    writeFileSync(broken, '{"client_secret": "the-client-secret",', { mode: 0o600 });
    expect(() => readOidcFile(broken)).toThrow(/not JSON$/);
    expect(readOidcFile(oidcFile(content))).toMatchObject({ name: 'OpenID', admins: [], viewers: [] });
  });
});
