import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type CreateJoinKeyRequest,
  createJoinKeyResponseSchema,
  joinKeyListSchema,
  joinKeyMessageSchema,
  joinProofMessage,
  parseJoinKey,
} from '@shadownet/contracts';
import { Ed25519Signer } from '@shadownet/crypto';
import { decodeHex, encodeBase64, parsePublicKey } from '@shadownet/primitives';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Answer, TestNode } from '../testing/test-node.js';
import { TestClock, TestServer } from '../testing/test-server.js';

let server: TestServer;
let clock: TestClock;

beforeEach(async () => {
  clock = new TestClock();
  server = await TestServer.start({ open: false }, { clock });
});
afterEach(() => server.stop());

async function createKey(request: Partial<CreateJoinKeyRequest> = {}): Promise<string> {
  return (await server.admin.call(createJoinKeyResponseSchema, 'POST', '/join-keys', request)).join_key;
}

const states = async () =>
  (await server.admin.call(joinKeyListSchema, 'GET', '/join-keys')).join_keys.map(({ state }) => state);

/** What `node` sends to join by that key. */
function proof(text: string, node: Pick<TestNode, 'publicKey'>, serverKey = server.running.publicKey) {
  const { id, seed } = parseJoinKey(text)!;
  const message = joinProofMessage(parsePublicKey(node.publicKey)!, parsePublicKey(serverKey)!);
  return { join: { key_id: id, signature: encodeBase64(new Ed25519Signer(seed.expose()).sign(message)) } };
}

/** Signed by the server's clock. */
function register(node: TestNode, more: Record<string, unknown> = {}): Promise<Answer> {
  const created = Math.floor(clock.wall() / 1000);
  return node.send(node.sign('POST', '/api/v1/register', node.registration(more), { created }));
}

async function joinBy(text: string, node = server.node()): Promise<Answer> {
  return register(node, proof(text, node));
}

const refused = (detail?: string) => ({
  status: 403,
  verified: true,
  json: { code: 'join-key-refused', ...(detail !== undefined && { detail }) },
});

describe('a join key', () => {
  it('is needed, unless the server was started with --open', async () => {
    const node = server.node();
    expect(await register(node)).toMatchObject({ status: 403, verified: true, json: { code: 'join-key-required' } });
    await server.restart({ open: true });
    node.url = server.url;
    expect(await register(node)).toMatchObject({ status: 200 });
  });

  it('lets one node join, which comes back without it, under another id and after a restart, too', async () => {
    const key = await createKey();
    const secret = new Uint8Array(32).fill(7);
    expect(await joinBy(key, server.node(secret))).toMatchObject({ status: 200 });
    await server.restart();
    expect(await register(server.node(secret))).toMatchObject({ status: 200 });
    expect(await joinBy(key)).toMatchObject(refused('This join key was for one node, which has joined by it.'));
    expect(await states()).toEqual(['spent']);
  });

  it('for one node lets exactly one of 50 in that come at once', async () => {
    const key = await createKey();
    const answers = await Promise.all(Array.from({ length: 50 }, () => joinBy(key)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ json }) => json['code'] === 'join-key-refused')).toHaveLength(49);
  });

  it('is not spent by a registration that fails', async () => {
    const key = await createKey();
    const [first, second] = [server.node(), server.node()];
    await joinBy(await createKey(), first);
    const taken = await register(second, { ...proof(key, second), id: first.id });
    expect(taken.json).toMatchObject({ code: 'id-taken' });
    expect(await joinBy(key, second)).toMatchObject({ status: 200 });
  });

  it('lets any number of nodes join if it is reusable, until it is revoked', async () => {
    const key = await createKey({ reusable: true });
    const nodes = [server.node(), server.node(), server.node()];
    for (const node of nodes) expect(await joinBy(key, node)).toMatchObject({ status: 200 });
    const id = parseJoinKey(key)!.id;
    const revoked = await server.admin.call(joinKeyMessageSchema, 'DELETE', `/join-keys/${id}`);
    expect(revoked).toMatchObject({ state: 'revoked', uses: 3 });
    expect(await joinBy(key)).toMatchObject(refused('This join key was revoked.'));
    expect(await register(nodes[0]!)).toMatchObject({ status: 200 });
  });

  it('expires', async () => {
    const key = await createKey({ reusable: true, expires_in_s: 60 });
    clock.advance(59_000);
    expect(await joinBy(key)).toMatchObject({ status: 200 });
    clock.advance(1_000);
    expect(await joinBy(key)).toMatchObject(refused('This join key has expired.'));
  });

  it('can make nodes wait for an admin: stored, but a stranger to everybody', async () => {
    const member = server.node();
    await joinBy(await createKey(), member);
    const [waiting, key] = [server.node(), await createKey({ approval: true })];
    const pending = { status: 403, verified: true, json: { code: 'approval-pending' } };
    expect(await joinBy(key, waiting)).toMatchObject(pending);
    expect(await register(waiting)).toMatchObject(pending);
    for (const [method, target, body] of [
      ['GET', '/peers', undefined],
      ['GET', '/events', undefined],
      ['POST', '/goodbye', { id: waiting.id }],
      ['POST', '/api/v1/calls', { public_key: member.publicKey, call: 'AAAA' }],
    ] as const) {
      expect(await waiting.call(method, target, body), target).toMatchObject(pending);
    }
    expect(await waiting.heartbeat()).toMatchObject(pending);
    expect((await member.call('GET', '/peers')).json['peers']).toEqual([]);
    expect(await joinBy(key)).toMatchObject(refused());
  });
});

describe('who has no join key', () => {
  it('is told the same for a key that does not exist and for a wrong proof', async () => {
    const key = await createKey();
    const node = server.node();
    const genuine = proof(key, node).join;
    const guesses = [
      { ...genuine, key_id: '0123456789abcdef' },
      { ...genuine, signature: encodeBase64(new Uint8Array(64)) },
      { ...genuine, signature: '' },
      { ...genuine, signature: '%' },
    ];
    const answers = [];
    for (const guess of guesses) answers.push(await register(node, { join: guess }));
    for (const answer of answers) expect(answer).toMatchObject(refused());
    expect(new Set(answers.map(({ json }) => JSON.stringify(json))).size).toBe(1);
    expect(await states()).toEqual(['usable']);
  });

  it('cannot join by a proof that was made for another node, or for another server', async () => {
    const key = await createKey();
    const [victim, thief] = [server.node(), server.node()];
    expect(await register(thief, proof(key, victim))).toMatchObject(refused());
    expect(await register(thief, proof(key, thief, victim.publicKey))).toMatchObject(refused());
    expect(await joinBy(key, victim)).toMatchObject({ status: 200 });
  });

  it('cannot register a key that is not its own', async () => {
    const key = await createKey();
    const [victim, thief] = [server.node(), server.node()];
    const answer = await register(thief, { ...proof(key, victim), public_key: victim.publicKey });
    expect(answer).toMatchObject({ status: 403, json: { code: 'wrong-key' } });
    expect(await states()).toEqual(['usable']);
  });

  it('has 200 guesses, and then two a second', async () => {
    const node = server.node();
    const guess = { join: { key_id: '0123456789abcdef', signature: 'AAAA' } };
    const codes: unknown[] = [];
    for (let at = 0; at < 230; at++) codes.push((await register(node, guess)).json['code']);
    expect(codes.slice(0, 200)).toEqual(Array.from({ length: 200 }, () => 'join-key-refused'));
    expect(codes.slice(200)).toContain('rate-limited');
    expect(await joinBy(await createKey())).toMatchObject({ json: { code: 'rate-limited' } });
  });

  it('learns no key from the database: no file of the server has the seed, in any spelling', async () => {
    const key = await createKey();
    await joinBy(key);
    const seed = Buffer.from(decodeHex(key.split('-')[2]!)!);
    const files = readdirSync(server.directory).filter((name) => name !== 'admin.sock');
    const contents = files.map((name) => readFileSync(join(server.directory, name)));
    expect(files).toContain('control.sqlite');
    expect(Buffer.concat(contents).includes(parseJoinKey(key)!.id)).toBe(true);
    for (const spelling of [seed, seed.toString('hex'), seed.toString('base64'), seed.toString('base64url')]) {
      expect(Buffer.concat(contents).includes(spelling)).toBe(false);
    }
  });
});
