// Nobody registers, moves or speaks for a key that isn't theirs; nothing that was altered or repeated on the way is taken.

import { encodeUtf8 } from '@shadownet/primitives';
import { DataSource } from 'typeorm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LinkEntity } from '../nodes/link.entity.js';
import { NodeEntity } from '../nodes/node.entity.js';
import type { SignedCall, TestNode } from '../testing/test-node.js';
import { TestClock, TestServer } from '../testing/test-server.js';
import { NonceEntity } from './nonce.entity.js';
import { NONCE_LIFETIME_MS } from './nonce-ledger.js';
import { SignedTransactions } from './signed-transactions.js';

/** Everything that a request could have left behind. */
async function stored(server: TestServer): Promise<string> {
  const { manager } = server.running.app.get(DataSource);
  const tables = [NodeEntity, LinkEntity, NonceEntity].map((entity) => manager.find(entity as typeof NodeEntity));
  return JSON.stringify(await Promise.all(tables));
}

describe('a signed request', () => {
  let server: TestServer;
  let node: TestNode;
  let call: SignedCall;

  beforeAll(async () => {
    server = await TestServer.start();
  });
  afterAll(() => server.stop());
  beforeEach(() => {
    node = server.node();
    call = node.sign('POST', '/api/v1/register', node.registration());
  });

  it('is taken as it was signed', async () => {
    expect(await node.send(call)).toMatchObject({ status: 200, verified: true });
  });

  it.each<[string, (call: SignedCall) => Partial<SignedCall>, number, string]>([
    ['method', () => ({ method: 'GET', target: '/api/v1/peers' }), 401, 'signature-invalid'],
    ['path', () => ({ target: '/register' }), 401, 'signature-invalid'],
    ['query', () => ({ target: '/api/v1/register?' }), 200, ''],
    ['added query', () => ({ target: '/api/v1/register?x=1' }), 401, 'signature-invalid'],
    ['escaped path', () => ({ target: '/api/v1/%72egister' }), 404, 'not-found'],
    ['body', ({ body }) => ({ body: encodeUtf8(`${new TextDecoder().decode(body)} `) }), 401, 'signature-invalid'],
    ['empty body', () => ({ body: new Uint8Array(0) }), 401, 'signature-invalid'],
  ])('with another %s is answered as it should', async (_, change, status, code) => {
    const before = await stored(server);
    const answer = await node.send({ ...call, ...change(call) });
    expect(answer.status).toBe(status);
    if (status === 200) return; // RFC 9421 §2.2.7: an empty query and none are the same.
    expect(answer.json).toMatchObject({ code, status });
    expect(answer.verified).toBe(false);
    expect(await stored(server)).toBe(before);
  });

  it.each(['content-digest', 'signature-input', 'signature'] as const)(
    'with its %s changed or left out is refused, and nothing is stored',
    async (name) => {
      const before = await stored(server);
      const value = call.headers[name];
      const middle = value.indexOf('=:') + 5 > 5 ? value.indexOf('=:') + 5 : value.indexOf('created=') + 8;
      const changed = value.slice(0, middle) + (value[middle] === '1' ? '2' : '1') + value.slice(middle + 1);
      for (const [forged, code] of [
        [changed, 'signature-invalid'],
        [`${value}, ${value}`, 'signature-invalid'],
        ['', /signature-(missing|invalid)/],
      ] as const) {
        const answer = await node.send({ ...call, headers: { ...call.headers, [name]: forged } });
        expect(answer.status).toBe(401);
        expect(answer.headers['www-authenticate']).toBeDefined();
        expect(answer.json['code']).toMatch(code);
      }
      expect(await stored(server)).toBe(before);
    },
  );

  it('with another nonce or another time than it was signed with is refused', async () => {
    const input = call.headers['signature-input'];
    for (const forged of [input.replace(/nonce="./, 'nonce="/'), input.replace(/created=1/, 'created=2')]) {
      const answer = await node.send({ ...call, headers: { ...call.headers, 'signature-input': forged } });
      expect(answer.json).toMatchObject({ code: 'signature-invalid' });
    }
  });

  it('without any signature is told so', async () => {
    const unsigned = { 'content-digest': '', 'signature-input': '', signature: '' };
    const response = await fetch(`${server.url}/api/v1/peers`);
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(await response.json()).toMatchObject({ code: 'signature-missing', status: 401 });
    expect((await node.send({ ...call, headers: unsigned })).status).toBe(401);
  });

  it('in the name of another key is refused', async () => {
    const victim = server.node();
    await victim.register();
    const asVictim = node.sign('POST', '/api/v1/goodbye', { id: victim.id }, { keyId: victim.publicKey });
    expect((await node.send(asVictim)).json).toMatchObject({ code: 'signature-invalid' });
  });

  it.each([
    ['of low order', Buffer.alloc(32).toString('base64')],
    ['no base64', '!'.repeat(44)],
  ])('whose key is %s is refused', async (_, keyId) => {
    expect((await node.send(node.sign('GET', '/peers', undefined, { keyId }))).json).toMatchObject({
      code: 'signature-invalid',
    });
  });

  it('cannot register a key other than its own', async () => {
    const victim = server.node();
    const before = await stored(server);
    const answer = await node.register({ public_key: victim.publicKey });
    expect(answer).toMatchObject({ status: 403, verified: true });
    expect(answer.json).toMatchObject({ code: 'wrong-key' });
    expect(await stored(server)).toBe(before);
  });

  it('cannot speak for, move or silence a node of another key', async () => {
    const victim = server.node();
    await victim.register();
    await node.register();
    const before = await stored(server);
    const id = victim.id;
    expect((await node.register({ id })).json).toMatchObject({ code: 'id-taken' });
    expect((await node.heartbeat({ id, endpoint_ip: '198.51.100.66' })).json).toMatchObject({ code: 'wrong-key' });
    expect((await node.call('POST', '/api/v1/goodbye', { id })).json).toMatchObject({ code: 'wrong-key' });
    expect(await stored(server)).toBe(before);
  });

  it('of a key that is not registered learns nothing', async () => {
    for (const target of ['/peers', '/events']) {
      const answer = await node.call('GET', target);
      expect(answer).toMatchObject({ status: 404, verified: true });
      expect(answer.json).toMatchObject({ code: 'unknown-peer' });
    }
    expect((await node.heartbeat()).json).toMatchObject({ code: 'unknown-peer' });
  });

  it('is taken once: a replay is refused, by a signed error', async () => {
    expect((await node.send(call)).status).toBe(200);
    const before = await stored(server);
    const replay = await node.send(call);
    expect(replay).toMatchObject({ status: 409, verified: true });
    expect(replay.json).toMatchObject({ code: 'nonce-replayed' });
    expect(await stored(server)).toBe(before);
  });

  it('is taken once of ten copies sent at the same time', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => node.send(call)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(9).fill(409)]);
  });
});

describe('what a signed request leaves in time', () => {
  let server: TestServer;
  const clock = new TestClock();

  beforeEach(async () => {
    server = await TestServer.start({}, { clock });
  });
  afterEach(() => server.stop());

  it('is refused again after a restart', async () => {
    const node = server.node();
    const call = node.sign('POST', '/api/v1/register', node.registration(), {
      created: Math.floor(clock.wall() / 1000),
    });
    expect((await node.send(call)).status).toBe(200);
    await server.restart();
    const replay = await server.node().send(call);
    expect(replay.json).toMatchObject({ code: 'nonce-replayed' });
  });

  it('is expired when it was made more than 300 s before or after the server’s time', async () => {
    const node = server.node();
    const now = Math.floor(clock.wall() / 1000);
    const send = (created: number) =>
      node.send(node.sign('POST', '/api/v1/register', node.registration(), { created }));
    for (const created of [now - 302, now + 302, 0, 999_999_999_999]) {
      const answer = await send(created);
      expect(answer).toMatchObject({ status: 401, verified: true });
      expect(answer.json['code']).toBe('signature-expired');
      expect(Math.abs(Date.parse(String(answer.json['server_time'])) - clock.wall())).toBeLessThan(5000);
    }
    expect((await send(now - 295)).status).toBe(200);
    expect((await send(now + 295)).status).toBe(200);
  });

  it('is forgotten once no replay of it could be fresh, and not before', async () => {
    const node = server.node();
    const transactions = server.running.app.get(SignedTransactions);
    const nonces = server.running.app.get(DataSource).getRepository(NonceEntity);
    await node.send(node.sign('POST', '/register', node.registration(), { created: Math.floor(clock.wall() / 1000) }));
    clock.advance(NONCE_LIFETIME_MS - 10_000);
    await transactions.prune();
    expect(await nonces.count()).toBe(1);
    clock.advance(10_001);
    await transactions.prune();
    expect(await nonces.count()).toBe(0);
  });

  it('is not forgotten by a clock that jumps an hour ahead and back again, nor by one that jumps back', async () => {
    const node = server.node();
    const transactions = server.running.app.get(SignedTransactions);
    const call = node.sign('POST', '/register', node.registration(), { created: Math.floor(clock.wall() / 1000) });
    expect((await node.send(call)).status).toBe(200);
    for (const jump of [3_600_000, -7_200_000, 3_600_000]) {
      clock.jump(jump);
      await transactions.prune();
    }
    expect((await node.send(call)).json).toMatchObject({ code: 'nonce-replayed' });
  });
});

describe('a response on its way back', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start();
  });
  afterAll(() => server.stop());

  it('fails verification when altered, exchanged for another, or made of the request itself', async () => {
    const node = server.node();
    await node.register();
    const call = node.sign('GET', '/api/v1/peers', undefined);
    const answer = await node.send(call);
    const altered = encodeUtf8(new TextDecoder().decode(answer.bytes).replace('"peers":[]', '"peers":[0]'));
    expect(node.verifies(call, 200, answer.bytes, answer.headers)).toBe(true);
    expect(node.verifies(call, 200, altered, answer.headers)).toBe(false);
    expect(node.verifies(call, 404, answer.bytes, answer.headers)).toBe(false);
    expect(node.verifies(call, 200, call.body, { ...call.headers })).toBe(false);

    const later = node.sign('GET', '/api/v1/peers', undefined);
    expect(node.verifies(later, 200, answer.bytes, answer.headers)).toBe(false);
  });

  it('is signed for the caller alone', async () => {
    const [node, other] = [server.node(), server.node()];
    const call = node.sign('POST', '/api/v1/register', node.registration());
    const answer = await node.send(call);
    expect(answer.verified).toBe(true);
    expect(other.verifies(call, answer.status, answer.bytes, answer.headers)).toBe(false);
  });

  it('is a 304 only for who names its ETag, and signed then too', async () => {
    const node = server.node();
    await node.register();
    const etag = (await node.call('GET', '/peers')).headers['etag'] as string;
    const ask = async (known: string) => {
      const call = node.sign('GET', '/peers', undefined);
      return { call, answer: await node.sendRaw(call, { 'if-none-match': known }) };
    };
    for (const other of ['*', '"1.1"', `W/${etag}`]) expect((await ask(other)).answer.status).toBe(200);
    const { call, answer } = await ask(etag);
    expect([answer.status, answer.bytes.length]).toEqual([304, 0]);
    expect(node.verifies(call, 304, answer.bytes, answer.headers)).toBe(true);
    await server.node().register();
    expect((await ask(etag)).answer.status).toBe(200);
  });
});
