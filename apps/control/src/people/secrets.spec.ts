// One run with every kind of secret that people have, and then a search for each of them, in all that the server shows and keeps.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { TestServer } from '../testing/test-server.js';

const PASSWORDS = ['correct horse battery', 'a wrong password?', 'staple of the new one'] as const;
const CLIENT_SECRET = 'the-client-secret-of-oidc';

it('no secret of a full run is in a log, an answer, a metric or the database, in any of its spellings', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'shadownet-secrets-'));
  const oidc = join(directory, 'oidc.json');
  const issuer = 'http://127.0.0.1:9';
  writeFileSync(oidc, JSON.stringify({ issuer, client_id: 'x', client_secret: CLIENT_SECRET }), { mode: 0o600 });
  let shown = '';
  const log = { write: (line: string) => (shown += line) };
  const server = await TestServer.start({ logLevel: 'trace', oidc, open: true }, { log });
  const secrets: [string, Buffer][] = [...PASSWORDS, CLIENT_SECRET].map((text) => [text, Buffer.from(text)]);
  const keepSecret = (name: string, text: string) => secrets.push([name, Buffer.from(text)]);
  const keepRandom = (name: string, text: string) => {
    keepSecret(name, text);
    secrets.push([`${name}, decoded`, Buffer.from(text, 'base64url')]);
  };

  const browser = server.browser();
  const ask = async (method: string, path: string, body?: unknown) => {
    const answer = await browser.ask(method, path, body);
    shown += answer.text;
    return answer.status;
  };
  const cookieSecret = () => browser.cookie.split('=')[1]!;

  const setupToken = readFileSync(server.running.setupLinkFile!, 'utf8').trim().split('#')[1]!;
  keepRandom('setup link', setupToken);
  expect(await ask('POST', '/setup', { token: setupToken, name: 'alice', password: PASSWORDS[0] })).toBe(200);
  keepRandom('first session', cookieSecret());
  expect(await ask('POST', '/session', { name: 'alice', password: PASSWORDS[1] })).toBe(401);
  expect(await ask('POST', '/session', { name: 'alice', password: PASSWORDS[0] })).toBe(200);
  keepRandom('second session', cookieSecret());
  expect(await ask('POST', '/session/password', { current: PASSWORDS[0], new: PASSWORDS[2] })).toBe(200);
  expect(await ask('POST', '/accounts', { name: 'bob', role: 'viewer', password: PASSWORDS[0] })).toBe(201);
  expect(await ask('PATCH', '/accounts/bob', { password: PASSWORDS[2] })).toBe(200);
  expect(await ask('POST', '/accounts', { name: 'carol', role: 'x', password: PASSWORDS[2] })).toBe(400);
  const { authorization } = await server.token('admin');
  keepRandom('API token', authorization.split('_')[1]!);
  keepSecret('API token with its prefix', authorization.slice('Bearer '.length));
  shown += await (await fetch(`${server.url}/api/v1/tokens`, { headers: { authorization } })).text();
  expect(await ask('GET', '/oidc/start')).toBe(503);
  const node = server.node();
  expect((await node.register()).status).toBe(200);
  for (const [name, key] of [
    ['response key', node.responseKey],
    ['event key', node.eventKey],
  ] as const) {
    secrets.push([name, Buffer.from(key)]);
  }
  for (const path of [
    '/overview',
    '/accounts',
    '/tokens',
    '/audit?limit=500',
    '/session',
    '/server',
    '/nodes',
    '/policy',
  ]) {
    await ask('GET', path);
  }
  for (const path of ['/metrics', '/api/docs-json', '/healthz']) {
    shown += await (await fetch(server.url + path, { headers: { authorization } })).text();
  }
  await server.running.close();

  let kept = '';
  for (const name of readdirSync(server.directory)) {
    const bytes = readFileSync(join(server.directory, name));
    if (name.endsWith('.key')) secrets.push([name, bytes]);
    else kept += bytes.toString('latin1');
  }
  rmSync(server.directory, { recursive: true });
  rmSync(directory, { recursive: true });

  // The search finds what is there.
  for (const text of [shown, kept])
    expect(spellingsOf(Buffer.from('alice')).some((one) => text.includes(one))).toBe(true);
  expect(secrets.length).toBeGreaterThan(14);
  for (const [name, secret] of secrets) {
    for (const spelling of spellingsOf(secret)) {
      expect(shown.includes(spelling), `${name} is shown`).toBe(false);
      expect(kept.includes(spelling), `${name} is kept`).toBe(false);
    }
  }
});

/** As bytes, in hexadecimal, and in both alphabets of base64 without what depends on its end. */
function spellingsOf(secret: Buffer): string[] {
  const hex = secret.toString('hex');
  const unpadded = secret.subarray(0, secret.length - (secret.length % 3));
  return [
    secret.toString('latin1'),
    hex,
    hex.toUpperCase(),
    unpadded.toString('base64'),
    unpadded.toString('base64url'),
  ];
}
