import {
  auditPageSchema,
  canAnswerSchema,
  type Peer,
  policyPreviewSchema,
  policyVersionsSchema,
  type StoredPolicy,
  storedPolicySchema,
} from '@shadownet/contracts';
import type { PolicyDocument } from '@shadownet/policy';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TestNode, TestStream } from '../testing/test-node.js';
import { TestServer } from '../testing/test-server.js';

let server: TestServer;
/** 10.100.0.1, .2 and .3, in the order of their registration. */
let web: TestNode;
let db: TestNode;
let other: TestNode;

/** The web server may reach the database, and nobody anybody else. */
const WEB_TO_DB: PolicyDocument = {
  hosts: { web: '10.100.0.1', db: '10.100.0.2' },
  rules: [{ name: 'queries', from: ['web'], to: ['db'], allow: ['tcp/5432'] }],
};

beforeEach(async () => {
  server = await TestServer.start();
  const joined: TestNode[] = [];
  for (const hostname of ['web-1', 'db-1', 'other']) {
    const node = server.node();
    await node.register({ hostname });
    joined.push(node);
  }
  [web, db, other] = joined as [TestNode, TestNode, TestNode];
});
afterEach(() => server.stop());

const current = (): Promise<StoredPolicy> => server.admin.call(storedPolicySchema, 'GET', '/policy');

function put(document: unknown, seen: number): Promise<StoredPolicy> {
  return server.admin.call(
    storedPolicySchema,
    'PUT',
    '/policy',
    { document, comment: 'test' },
    { 'if-match': `"${seen}"` },
  );
}

async function peersOf(node: TestNode): Promise<Peer[]> {
  return (await node.call('GET', '/api/v1/peers')).json['peers'] as Peer[];
}

const namesOf = (peers: unknown): string[] => (peers as Peer[]).map(({ hostname }) => hostname).sort();

describe('the policy of a network', () => {
  it('lets all talk until somebody writes one', async () => {
    expect(await current()).toMatchObject({
      version: 0,
      actor: null,
      document: { rules: [{ from: ['*'], to: ['*'] }] },
    });
    const [peer] = await peersOf(web);
    expect(namesOf(await peersOf(web))).toEqual(['db-1', 'other']);
    expect(peer).not.toHaveProperty('inbound');
  });

  it('is stored in its canonical form with its author, and read by version', async () => {
    const stored = await put({ ...WEB_TO_DB, hosts: { db: '10.100.0.2/32', web: '10.100.0.1' } }, 0);
    expect(stored).toMatchObject({ version: 1, actor: 'local', comment: 'test', document: WEB_TO_DB });
    expect(await current()).toEqual(stored);
    await server.restart({ open: false });
    const response = await fetch(`${server.url}/api/v1/policy`);
    expect(response.status).toBe(401);
    await server.restart();
    expect(await current()).toEqual(stored);
  });

  it('is changed by who has seen its version only', async () => {
    await put(WEB_TO_DB, 0);
    await expect(put({ rules: [] }, 0)).rejects.toThrow('at version 1, not 0');
    const call = server.admin.call(storedPolicySchema, 'PUT', '/policy', { document: WEB_TO_DB });
    await expect(call).rejects.toThrow('If-Match');
    const results = await Promise.allSettled([put({ rules: [] }, 1), put(WEB_TO_DB, 1)]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect((await current()).version).toBe(2);
  });

  it('is refused with errors, telling where and what was meant, and with tests that do not hold', async () => {
    await expect(put({ ...WEB_TO_DB, rules: [{ from: ['webb'], to: ['db'], allow: ['*'] }] }, 0)).rejects.toThrow(
      '/rules/0/from/0: "webb" is not listed under "hosts": did you mean "web"?',
    );
    const tests = [{ from: 'web', to: 'db', deny: ['tcp/5432'] }];
    await expect(put({ ...WEB_TO_DB, tests }, 0)).rejects.toThrow('/tests/0/deny: web can reach db by tcp/5432');
    expect((await current()).version).toBe(0);
  });

  it('can be previewed, which changes nothing', async () => {
    const preview = await server.admin.call(policyPreviewSchema, 'POST', '/policy/preview', { document: WEB_TO_DB });
    expect(preview.counts).toEqual({ appear: 0, vanish: 5, change: 1 });
    expect(preview.change[0]).toMatchObject({
      from: { hostname: 'web-1' },
      to: { hostname: 'db-1' },
      before: ['*'],
      after: ['tcp/5432'],
    });
    expect((await current()).version).toBe(0);
    expect(await peersOf(web)).toHaveLength(2);
  });

  it('can be rolled back, and all of it is in the audit log', async () => {
    const first = await put(WEB_TO_DB, 0);
    await put({ rules: [] }, 1);
    const route = '/policy/versions/1/restore';
    const restored = await server.admin.call(storedPolicySchema, 'POST', route, undefined, { 'if-match': '"2"' });
    expect(restored).toMatchObject({ version: 3, document: first.document });
    const { versions } = await server.admin.call(policyVersionsSchema, 'GET', '/policy/versions?limit=2');
    expect(versions.map(({ version }) => version)).toEqual([3, 2]);
    expect(await server.admin.call(storedPolicySchema, 'GET', '/policy/versions/1')).toEqual(first);
    const { entries } = await server.admin.call(auditPageSchema, 'GET', '/audit?subject=policy');
    expect(entries.map(({ action, after }) => [action, after?.['version']])).toEqual([
      ['policy.restore', 3],
      ['policy.change', 2],
      ['policy.change', 1],
    ]);
  });
});

describe('who sees whom', () => {
  it('is whom they may talk with, and both know what either may open', async () => {
    await put(WEB_TO_DB, 0);
    expect(await peersOf(other)).toEqual([]);
    const [dbForWeb] = await peersOf(web);
    expect(dbForWeb).toMatchObject({ hostname: 'db-1', inbound: [], outbound: ['tcp/5432'] });
    const [webForDb] = await peersOf(db);
    expect(webForDb).toMatchObject({ hostname: 'web-1', inbound: ['tcp/5432'], outbound: [] });
  });

  it('is told to all streams at once when the policy changes', async () => {
    const streams = await Promise.all([web, db, other].map((node) => node.openStream()));
    for (const stream of streams) await stream.nextOf('map');
    await put(WEB_TO_DB, 0);
    const [toWeb, toDb, toOther] = await Promise.all(streams.map(nextDelta));
    expect(toWeb).toMatchObject({ removed: [other.id], changed: [{ id: db.id, inbound: [], outbound: ['tcp/5432'] }] });
    expect(toDb).toMatchObject({ removed: [other.id], changed: [{ id: web.id, inbound: ['tcp/5432'] }] });
    expect([...(toOther!['removed'] as string[])].sort()).toEqual([web.id, db.id].sort());

    await put({ rules: [{ from: ['*'], to: ['*'], allow: ['*'] }] }, 1);
    const [again] = await Promise.all(streams.map(nextDelta));
    expect(namesOf(again!['changed'])).toEqual(['db-1', 'other']);
    expect((again!['changed'] as Peer[])[0]).not.toHaveProperty('inbound');
    for (const stream of streams) stream.close();
  });

  it('is told to a node that was away, by a whole map', async () => {
    const before = await web.openStream();
    const { epoch, sequence } = (await before.nextOf('map')).payload['map_version'] as Record<string, number>;
    before.close();
    await put(WEB_TO_DB, 0);
    for (const restart of [false, true]) {
      if (restart) {
        await server.restart();
        web.url = server.url;
      }
      const stream = await web.openStream(`${epoch}.${sequence}`);
      const first = (await stream.next())!;
      expect([first.type, namesOf(first.payload['peers'])]).toEqual(['map', ['db-1']]);
      stream.close();
    }
  });

  it('holds for nodes that join later', async () => {
    await put({ hosts: { web: '10.100.0.1' }, rules: [{ from: ['*'], to: ['web'], allow: ['tcp/80'] }] }, 0);
    const [toWeb, toDb] = [await web.openStream(), await db.openStream()];
    for (const stream of [toWeb, toDb]) await stream.nextOf('map');
    const late = server.node();
    await late.register({ hostname: 'late' });
    // Together with those that joined in the same moment.
    const asWebSeesIt = expect.objectContaining({ id: late.id, inbound: ['tcp/80'], outbound: [] }) as unknown;
    expect((await nextDelta(toWeb))['changed']).toContainEqual(asWebSeesIt);
    expect(namesOf(await peersOf(db))).toEqual(['web-1']);
    for (const stream of [toWeb, toDb]) stream.close();
  });

  async function nextDelta(stream: TestStream): Promise<Record<string, unknown>> {
    return (await stream.nextOf('delta')).payload;
  }
});

describe('may A open this to B', () => {
  const can = (from: string, to: string, traffic: string) =>
    server.admin.call(canAnswerSchema, 'GET', `/policy/can?${new URLSearchParams({ from, to, traffic })}`);

  beforeEach(async () => void (await put(WEB_TO_DB, 0)));

  it('is answered with the rule that decides, by name, address or id', async () => {
    for (const [from, to] of [
      ['web-1', 'db-1'],
      ['10.100.0.1', db.id],
    ] as const) {
      expect(await can(from, to, 'tcp/5432')).toMatchObject({
        allowed: true,
        policy_version: 1,
        rule: { index: 0, name: 'queries', from: ['web'], to: ['db'], allow: ['tcp/5432'] },
      });
    }
    expect(await can('web-1', 'db-1', 'tcp/22')).toMatchObject({ allowed: false, rule: null, near: [{ index: 0 }] });
    expect(await can('db-1', 'web-1', 'tcp/5432')).toMatchObject({ allowed: false, near: [] });
  });

  it('is not answered for names that nobody or several have, and for more than one kind of traffic', async () => {
    await expect(can('nobody', 'db-1', 'tcp/1')).rejects.toThrow('There is no node "nobody"');
    await server.node().register({ hostname: 'web-1' });
    await expect(can('web-1', 'db-1', 'tcp/1')).rejects.toThrow('2 nodes are called "web-1": 10.100.0.1, 10.100.0.4');
    await expect(can('other', 'db-1', 'tcp')).rejects.toThrow('traffic');
  });

  it('is told to a node if it is one of the two and sees the other, without others addresses', async () => {
    const ask = (node: TestNode, from: string, to: string) =>
      node.call('GET', `/api/v1/policy/can/own?${new URLSearchParams({ from, to, traffic: 'tcp/5432' })}`);
    expect(await ask(web, 'web-1', 'db-1')).toMatchObject({
      status: 200,
      verified: true,
      json: { allowed: true, rule: { name: 'queries', from: [], to: [] } },
    });
    expect((await ask(other, 'web-1', 'db-1')).json['code']).toBe('unknown-peer');
    expect((await ask(other, 'other', 'db-1')).json['code']).toBe('unknown-peer');
    await put({ rules: [{ from: ['*'], to: ['*'], allow: ['*'] }] }, 1);
    expect((await ask(other, 'web-1', 'db-1')).json['code']).toBe('forbidden');
  });
});
