import { existsSync, readFileSync, statSync } from 'node:fs';
import {
  accountsSchema,
  apiTokensSchema,
  auditPageSchema,
  createdApiTokenSchema,
  doneSchema,
  setupLinkSchema,
} from '@shadownet/contracts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { TestBrowser } from '../testing/test-browser.js';
import { TestClock, TestServer } from '../testing/test-server.js';
import { SESSION_IDLE_MS, SESSION_LIFETIME_MS } from './sessions.js';

const PASSWORD = 'correct horse battery';

describe('people', () => {
  let server: TestServer;
  let clock: TestClock;

  beforeEach(async () => {
    clock = new TestClock();
    server = await TestServer.start({ open: false }, { clock });
  });
  afterEach(() => server.stop());

  const makeAccount = (name: string, role: 'viewer' | 'admin') =>
    server.admin.call(z.unknown(), 'POST', '/accounts', { name, role, password: PASSWORD });

  /** A browser in which that new account is signed in. */
  async function signedIn(name: string, role: 'viewer' | 'admin'): Promise<TestBrowser> {
    await makeAccount(name, role);
    const browser = server.browser();
    expect((await browser.signIn(name, PASSWORD)).status).toBe(200);
    return browser;
  }

  const statusOf = async (browser: TestBrowser, path = '/overview') => (await browser.ask('GET', path)).status;
  const setupSecret = (url: string) => new URL(url.trim()).hash.slice(1);

  describe('the first start', () => {
    it('leaves a link that makes one admin, in a file for the server’s user alone', async () => {
      const file = server.running.setupLinkFile!;
      expect(statSync(file).mode & 0o777).toBe(0o600);
      const link = readFileSync(file, 'utf8');
      expect(link.startsWith(`${server.url}/setup#`)).toBe(true);

      const browser = server.browser();
      expect((await browser.ask('GET', '/session')).json).toMatchObject({ person: null, setup_needed: true });
      const setup = { token: setupSecret(link), name: 'Alice', password: PASSWORD };
      expect((await browser.ask('POST', '/setup', { ...setup, token: 'guessed' })).json).toMatchObject({
        code: 'setup-link-invalid',
      });
      expect((await browser.ask('POST', '/setup', { ...setup, password: 'short' })).json).toMatchObject({
        code: 'invalid-body',
      });
      const done = await browser.ask('POST', '/setup', setup);
      expect(done.json).toMatchObject({ person: { name: 'alice', role: 'admin' }, setup_needed: false });
      expect(await statusOf(browser, '/accounts')).toBe(200);

      expect((await server.browser().ask('POST', '/setup', { ...setup, name: 'mallory' })).status).toBe(403);
      expect(existsSync(file)).toBe(false);
      await server.restart();
      expect(server.running.setupLinkFile).toBeUndefined();
    });

    it('gives one of two that use the link at the same time', async () => {
      const token = setupSecret(readFileSync(server.running.setupLinkFile!, 'utf8'));
      const answers = await Promise.all(
        ['alice', 'mallory'].map((name) => server.browser().ask('POST', '/setup', { token, name, password: PASSWORD })),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 403]);
    });

    it('makes links that expire, and that an admin at the machine can make again', async () => {
      const link = await server.admin.call(setupLinkSchema, 'POST', '/setup/links', {});
      const setup = { token: setupSecret(link.url), name: 'alice', password: PASSWORD };
      clock.advance(24 * 3_600_000);
      expect((await server.browser().ask('POST', '/setup', setup)).status).toBe(403);

      await makeAccount('alice', 'viewer');
      const again = await server.admin.call(setupLinkSchema, 'POST', '/setup/links', {});
      const reset = { ...setup, token: setupSecret(again.url), password: 'another password' };
      expect((await server.browser().ask('POST', '/setup', reset)).status).toBe(200);
      expect((await server.browser().signIn('alice', 'another password')).json).toMatchObject({
        person: { role: 'admin' },
      });
    });
  });

  describe('a session', () => {
    it('is a cookie that scripts cannot read and other sites do not send', async () => {
      await makeAccount('alice', 'viewer');
      const answer = await server.browser().signIn('ALICE', PASSWORD);
      const cookie = answer.headers.get('set-cookie')!;
      expect(cookie).toMatch(/^shadownet-session=[\w-]{43}; Path=\/; Max-Age=604800; HttpOnly; SameSite=Strict$/);
      expect(answer.json).toMatchObject({ person: { name: 'alice', role: 'viewer', has_password: true } });
    });

    it('shows the network to who is signed in, and to nobody else', async () => {
      const viewer = await signedIn('alice', 'viewer');
      expect(await statusOf(viewer)).toBe(200);
      expect(await statusOf(viewer, '/accounts')).toBe(403);
      expect(await statusOf(server.browser())).toBe(401);
      const forger = server.browser();
      forger.cookie = `shadownet-session=${'A'.repeat(43)}`;
      expect(await statusOf(forger)).toBe(401);
    });

    it('ends by signing out, also for who has stolen its cookie', async () => {
      const browser = await signedIn('alice', 'viewer');
      const thief = server.browser();
      thief.cookie = browser.cookie;
      expect(await statusOf(thief)).toBe(200);
      const out = await browser.ask('DELETE', '/session');
      expect([out.status, browser.cookie]).toEqual([200, '']);
      expect(await statusOf(thief)).toBe(401);
      await server.restart();
      expect((await fetch(`${server.url}/api/v1/overview`, { headers: { cookie: thief.cookie } })).status).toBe(401);
    });

    it('ends when it is not used for hours, and after days however busy it is', async () => {
      const idle = await signedIn('alice', 'viewer');
      clock.advance(SESSION_IDLE_MS + 1000);
      expect(await statusOf(idle)).toBe(401);

      const busy = await signedIn('bob', 'viewer');
      for (let passed = 0; passed < SESSION_LIFETIME_MS - SESSION_IDLE_MS; passed += SESSION_IDLE_MS / 2) {
        clock.advance(SESSION_IDLE_MS / 2);
        expect(await statusOf(busy)).toBe(200);
      }
      clock.advance(SESSION_IDLE_MS);
      expect(await statusOf(busy)).toBe(401);
    });

    it('outlives a restart of the server', async () => {
      const browser = await signedIn('alice', 'viewer');
      await server.restart();
      const { status } = await fetch(`${server.url}/api/v1/overview`, { headers: { cookie: browser.cookie } });
      expect(status).toBe(200);
    });

    it.each([
      ['of another site', { origin: 'https://evil.example' }],
      ['of another port of this host', { origin: 'http://127.0.0.1:1' }],
      ['without an origin', {}],
      ['of a sandboxed frame', { origin: 'null' }],
      ['that a browser calls cross-site', { 'sec-fetch-site': 'cross-site' }],
      ['of a sibling domain', { 'sec-fetch-site': 'same-site' }],
    ])('changes nothing for a page %s (CSRF)', async (_where, headers) => {
      const browser = await signedIn('alice', 'admin');
      const attack = await browser.ask(
        'POST',
        '/accounts',
        { name: 'mallory', role: 'admin', password: PASSWORD },
        headers,
      );
      expect(attack.json).toMatchObject({ status: 403, code: 'cross-site' });
      const { accounts } = await server.admin.call(accountsSchema, 'GET', '/accounts');
      expect(accounts.map(({ name }) => name)).toEqual(['alice']);
    });

    it('cannot be begun or ended by a foreign page', async () => {
      await makeAccount('alice', 'viewer');
      const foreign = { origin: 'https://evil.example' };
      const signIn = await server.browser(foreign).signIn('alice', PASSWORD);
      expect([signIn.status, signIn.headers.get('set-cookie')]).toEqual([403, null]);
      expect((await server.browser(foreign).ask('DELETE', '/session')).status).toBe(403);
    });
  });

  describe('guessing at a password', () => {
    const guess = (name: string, password = 'wrong password') => server.browser().signIn(name, password);

    it('is answered the same for a name that nobody has', async () => {
      await makeAccount('alice', 'admin');
      const [known, unknown] = [await guess('alice'), await guess('nobody')];
      expect(known.status).toBe(401);
      expect(known.text).toBe(unknown.text);
      expect(known.headers.get('set-cookie')).toBeNull();
    });

    it.each(['alice', 'nobody'])('has to wait after five failures of %s, whatever the password', async (name) => {
      await makeAccount('alice', 'admin');
      const answers = await Promise.all(Array.from({ length: 12 }, () => guess(name)));
      expect(answers.filter(({ status }) => status === 401)).toHaveLength(5);
      expect(answers.filter(({ status }) => status === 429)).toHaveLength(7);
      const blocked = await guess(name, PASSWORD);
      expect(blocked.json).toMatchObject({ code: 'rate-limited' });
      expect(Number(blocked.headers.get('retry-after'))).toBeGreaterThan(20);

      clock.advance(31_000);
      expect((await guess(name)).status).toBe(401);
      expect((await guess(name)).headers.get('retry-after')).toBe('60');
      clock.advance(61_000);
      expect((await guess(name, PASSWORD)).status).toBe(name === 'alice' ? 200 : 401);
    });

    it('has to wait after many names from one source, and goes on waiting after a restart', async () => {
      for (let i = 0; i < 20; i++) expect((await guess(`name-${i}`)).status, String(i)).toBe(401);
      expect((await guess('another')).status).toBe(429);
      await server.restart();
      expect((await guess('another')).status).toBe(429);
    });

    it('leaves no trace of what was typed', async () => {
      await guess('my-password-by-mistake');
      await server.running.close();
      const database = ['control.sqlite', 'control.sqlite-wal']
        .map((name) => `${server.directory}/${name}`)
        .filter(existsSync)
        .map((path) => readFileSync(path, 'latin1'))
        .join('');
      expect(database).not.toContain('my-password-by-mistake');
      await server.restart().catch(() => undefined);
    });
  });

  describe('an account', () => {
    it('changes its password with the old one: other sessions end, this one stays', async () => {
      const browser = await signedIn('alice', 'viewer');
      const other = server.browser();
      await other.signIn('alice', PASSWORD);
      const change = (current: string) => browser.ask('POST', '/session/password', { current, new: 'a new password' });
      expect((await change('wrong')).json).toMatchObject({ code: 'wrong-credentials' });
      expect(await statusOf(other)).toBe(200);
      expect((await change(PASSWORD)).status).toBe(200);
      expect([await statusOf(browser), await statusOf(other)]).toEqual([200, 401]);
      expect((await server.browser().signIn('alice', PASSWORD)).status).toBe(401);
      expect((await server.browser().signIn('alice', 'a new password')).status).toBe(200);
    });

    it('loses its sessions when it is removed, and its rights when its role changes', async () => {
      await makeAccount('root', 'admin');
      const browser = await signedIn('alice', 'admin');
      await server.admin.call(z.unknown(), 'PATCH', '/accounts/alice', { role: 'viewer' });
      expect([await statusOf(browser), await statusOf(browser, '/tokens')]).toEqual([200, 403]);
      await server.admin.call(doneSchema, 'DELETE', '/accounts/alice');
      expect(await statusOf(browser)).toBe(401);
      await makeAccount('alice', 'viewer');
      expect(await statusOf(browser)).toBe(401);
    });

    it('stays if it is the last admin, also when two remove each other at once', async () => {
      await makeAccount('alice', 'admin');
      const refused = { code: 'refused', message: 'There would be no admin left' };
      await expect(server.admin.call(doneSchema, 'DELETE', '/accounts/alice')).rejects.toMatchObject(refused);
      const demotion = server.admin.call(z.unknown(), 'PATCH', '/accounts/alice', { role: 'viewer' });
      await expect(demotion).rejects.toMatchObject(refused);
      await makeAccount('bob', 'admin');
      await Promise.allSettled(
        ['alice', 'bob'].map((name) => server.admin.call(doneSchema, 'DELETE', `/accounts/${name}`)),
      );
      const { accounts } = await server.admin.call(accountsSchema, 'GET', '/accounts');
      expect(accounts).toHaveLength(1);
    });

    it.each(['<script>alert(1)</script>', 'a b', "x'; DROP TABLE accounts; --", '../x', '', 'ä', 'a'.repeat(65)])(
      'cannot be called %j',
      async (name) => {
        await expect(makeAccount(name, 'viewer')).rejects.toMatchObject({ code: 'refused' });
      },
    );

    it('is looked up by name, not by what the name says in SQL', async () => {
      const admin = await signedIn('alice', 'admin');
      for (const name of ["' OR '1'='1", '%', '*', "alice'--"]) {
        expect((await admin.ask('DELETE', `/accounts/${encodeURIComponent(name)}`)).status).toBe(404);
        expect((await admin.ask('DELETE', `/tokens/${encodeURIComponent(name)}`)).status).toBe(404);
        expect((await server.browser().signIn(name, PASSWORD)).status).toBe(401);
      }
    });
  });

  describe('an API token', () => {
    const create = (more: object = {}) =>
      server.admin.call(createdApiTokenSchema, 'POST', '/tokens', { name: 'ci', role: 'viewer', ...more });
    const statusWith = async (token: string, path = '/overview') =>
      (await fetch(`${server.url}/api/v1${path}`, { headers: { authorization: `Bearer ${token}` } })).status;

    it('is told once, works with its role, and needs no page to come from', async () => {
      const { token } = await create({ role: 'admin' });
      expect(token).toMatch(/^shadownet_[\w-]{43}$/);
      expect(JSON.stringify(await server.admin.call(apiTokensSchema, 'GET', '/tokens'))).not.toContain(token);
      expect(await statusWith(token, '/accounts')).toBe(200);
      const made = await fetch(`${server.url}/api/v1/accounts`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'bob', role: 'viewer', password: PASSWORD }),
      });
      expect(made.status).toBe(201);
      const { entries } = await server.admin.call(auditPageSchema, 'GET', '/audit?action=account.create');
      expect(entries).toMatchObject([
        { actor: 'token:ci', subject: 'account:bob', before: null, after: { role: 'viewer' } },
      ]);
      const viewer = await create({ name: 'reader' });
      expect([await statusWith(viewer.token), await statusWith(viewer.token, '/accounts')]).toEqual([200, 403]);
    });

    it('ends when it expires, or is revoked', async () => {
      const [short, long] = [await create({ expires_in_days: 1 }), await create({ name: 'long' })];
      clock.advance(86_400_000);
      expect([await statusWith(short.token), await statusWith(long.token)]).toEqual([401, 200]);
      await server.admin.call(doneSchema, 'DELETE', `/tokens/${long.id}`);
      expect(await statusWith(long.token)).toBe(401);
      await expect(create()).rejects.toMatchObject({ message: 'This name is taken' });
    });

    it('that is wrong is refused, also where everybody may look', async () => {
      await server.restart({ open: true });
      expect(await statusWith('shadownet_wrong')).toBe(401);
      expect((await fetch(`${server.url}/api/v1/overview`, { headers: { authorization: 'Basic YTpi' } })).status).toBe(
        401,
      );
      expect((await fetch(`${server.url}/api/v1/overview`)).status).toBe(200);
    });
  });

  describe('a request body', () => {
    it.each(['/session', '/setup', '/accounts', '/tokens', '/session/password'])(
      'of 10 MB or a hundred thousand levels is refused by %s',
      async (path) => {
        const browser = server.browser();
        const deep = '['.repeat(100_000) + ']'.repeat(100_000);
        expect([400, 401]).toContain((await browser.ask('POST', path, deep)).status);
        expect([400, 401]).toContain((await browser.ask('POST', path, `{"name":${deep}}`)).status);
        expect((await browser.ask('POST', path, `"${'x'.repeat(10 * 2 ** 20)}"`)).status).toBe(413);
        expect((await browser.ask('GET', '/session')).status).toBe(200);
      },
    );
  });
});

describe('behind a proxy', () => {
  const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.9' };

  it('that is trusted, the cookie is for TLS and this host only, and sources are told apart', async () => {
    const server = await TestServer.start({ open: false, trustedProxy: '127.0.0.0/8' });
    await server.admin.call(z.unknown(), 'POST', '/accounts', { name: 'alice', role: 'viewer', password: PASSWORD });
    const browser = server.browser({ origin: server.url, ...forwarded });
    const { headers } = await browser.signIn('alice', PASSWORD);
    expect(headers.get('set-cookie')).toMatch(
      /^__Host-shadownet-session=[\w-]+; Path=\/;.*HttpOnly; SameSite=Strict; Secure$/,
    );
    expect((await browser.ask('GET', '/overview')).status).toBe(200);

    const guessAs = (address: string, i: number) =>
      server.browser({ origin: server.url, 'x-forwarded-for': address }).signIn(`name-${i}`, 'wrong password');
    for (let i = 0; i < 20; i++) await guessAs('203.0.113.9', i);
    expect((await guessAs('203.0.113.9', 20)).status).toBe(429);
    expect((await guessAs('6.6.6.6, 203.0.113.9', 21)).status).toBe(429);
    expect((await guessAs('203.0.113.10', 22)).status).toBe(401);
    await server.stop();
  });

  it('that is not, what it says of itself means nothing', async () => {
    const server = await TestServer.start({ open: false });
    await server.admin.call(z.unknown(), 'POST', '/accounts', { name: 'alice', role: 'viewer', password: PASSWORD });
    const { headers } = await server.browser({ origin: server.url, ...forwarded }).signIn('alice', PASSWORD);
    expect(headers.get('set-cookie')).not.toMatch(/Secure|__Host/);
    await server.stop();
  });

  it('answers under the name that people know', async () => {
    const server = await TestServer.start({ open: false, publicUrl: 'https://vpn.example.com' });
    const link = await server.admin.call(setupLinkSchema, 'POST', '/setup/links', {});
    expect(link.url).toMatch(/^https:\/\/vpn\.example\.com\/setup#/);
    await server.stop();
  });
});
