import {
  auditPageSchema,
  createJoinKeyResponseSchema,
  joinKeyListSchema,
  nodeListSchema,
  nodeMessageSchema,
  storedPolicySchema,
} from '@shadownet/contracts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TestNode } from '../testing/test-node.js';
import { TestClock, TestServer } from '../testing/test-server.js';
import { EPHEMERAL_LIMIT, EphemeralNodes } from './ephemeral-nodes.js';
import { Liveness, OFFLINE_AFTER } from './liveness.js';

let server: TestServer;
let clock: TestClock;

beforeEach(async () => {
  clock = new TestClock();
  server = await TestServer.start({ open: false }, { clock });
});
afterEach(() => server.stop());

async function createKey(request: Record<string, unknown> = {}): Promise<string> {
  return (await server.admin.call(createJoinKeyResponseSchema, 'POST', '/join-keys', request)).join_key;
}

/** Each a member. */
async function members(count: number): Promise<TestNode[]> {
  const key = await createKey({ reusable: true });
  const nodes = Array.from({ length: count }, () => server.node());
  for (const node of nodes) expect(await node.join(key)).toMatchObject({ status: 200 });
  return nodes;
}

const edit = ({ id }: TestNode, change: Record<string, unknown>) =>
  server.admin.call(nodeMessageSchema, 'PATCH', `/nodes/${id}`, change);
const remove = ({ id }: TestNode) => server.admin.call(nodeMessageSchema, 'DELETE', `/nodes/${id}`);
const auditOf = async ({ id }: TestNode) =>
  (await server.admin.call(auditPageSchema, 'GET', `/audit?subject=node:${id}`)).entries;
const peersOf = async (node: TestNode) =>
  ((await node.call('GET', '/peers')).json['peers'] as { id: string }[]).map(({ id }) => id);

/** What every route for nodes says to it. */
async function codesFor(node: TestNode): Promise<Set<unknown>> {
  const answers = [
    await node.heartbeat(),
    await node.call('GET', '/peers'),
    await node.call('GET', '/events'),
    await node.call('POST', '/goodbye', { id: node.id }),
    await node.call('POST', '/api/v1/calls', { public_key: server.running.publicKey, call: 'AAAA' }),
    await node.call('GET', `/api/v1/policy/can/own?from=${node.id}&to=${node.id}&traffic=tcp/22`),
  ];
  for (const answer of answers) expect(answer.verified).toBe(true);
  return new Set(answers.map(({ json }) => json['code']));
}

describe('a node that an admin disables', () => {
  it('is refused by every route, its stream ends, and its peers are told to drop it', async () => {
    const [node, peer] = (await members(2)) as [TestNode, TestNode];
    const [own, others] = [await node.openStream(), await peer.openStream()];
    await others.nextOf('map');
    expect(await edit(node, { standing: 'disabled' })).toMatchObject({ standing: 'disabled', online: false });

    expect((await others.nextOf('delta')).payload).toMatchObject({ removed: [node.id], changed: [] });
    while (await own.next());
    expect(await codesFor(node)).toEqual(new Set(['node-disabled']));
    expect(await node.register()).toMatchObject({ status: 403, verified: true, json: { code: 'node-disabled' } });
    expect(await peersOf(peer)).toEqual([]);
    others.close();
  });

  it('is removed from the map of a peer that was away, also over a restart of the server', async () => {
    const [node, peer] = (await members(2)) as [TestNode, TestNode];
    const stream = await peer.openStream();
    const version = (await stream.nextOf('map')).payload['map_version'] as { epoch: number; sequence: number };
    stream.close();
    await edit(node, { standing: 'disabled' });
    await server.restart();
    peer.url = server.url;
    const resumed = await peer.openStream(`${version.epoch}.${version.sequence}`);
    expect((await resumed.nextOf('delta')).payload).toMatchObject({ removed: [node.id], changed: [] });
    resumed.close();
  });

  it('comes back when it is enabled, with its address, and its peers hear of it', async () => {
    const [node, peer] = (await members(2)) as [TestNode, TestNode];
    const { virtual_ip: address } = await edit(node, { standing: 'disabled' });
    const others = await peer.openStream();
    await others.nextOf('map');
    await edit(node, { standing: 'member' });
    expect((await others.nextOf('delta')).payload).toMatchObject({ changed: [{ id: node.id, virtual_ip: address }] });
    expect(await node.heartbeat()).toMatchObject({ status: 200 });
    expect((await auditOf(node)).map(({ action, actor }) => [action, actor])).toEqual([
      ['node.enable', 'local'],
      ['node.disable', 'local'],
    ]);
    others.close();
  });
});

describe('a node that an admin deletes', () => {
  it('is unknown to every route and to its peers, and its stream ends', async () => {
    const [node, peer] = (await members(2)) as [TestNode, TestNode];
    await node.heartbeat({
      peers: [
        {
          ...{ public_key: peer.publicKey, path: 'direct', state: 'up', endpoint: null, rtt_ms: 1 },
          ...{ last_handshake_age_ms: 0, rx_bytes: 1, tx_bytes: 1 },
        },
      ],
    });
    const [own, others] = [await node.openStream(), await peer.openStream()];
    await others.nextOf('map');
    await remove(node);

    expect((await others.nextOf('delta')).payload).toMatchObject({ removed: [node.id], changed: [] });
    while (await own.next());
    expect(await codesFor(node)).toEqual(new Set(['unknown-peer']));
    const { nodes } = await server.admin.call(nodeListSchema, 'GET', '/nodes');
    expect(nodes.map(({ id }) => id)).toEqual([peer.id]);
    expect(await auditOf(node)).toMatchObject([
      { action: 'node.delete', before: { public_key: node.publicKey, standing: 'member' }, after: null },
    ]);
    others.close();
  });

  it('joins again only by a join key that was made since', async () => {
    const [old, node] = [await createKey({ reusable: true }), server.node()];
    await node.join(old);
    await remove(node);
    expect(await node.register()).toMatchObject({ status: 403, json: { code: 'join-key-required' } });
    expect(await node.join(old)).toMatchObject({
      json: {
        code: 'join-key-refused',
        detail: 'This node was deleted after this join key was made: ask for a new one.',
      },
    });
    expect(await server.node().join(old)).toMatchObject({ status: 200 });

    await server.restart({ open: true });
    node.url = server.url;
    expect(await node.register()).toMatchObject({ json: { code: 'join-key-required' } });
    expect(await node.join(await createKey())).toMatchObject({ status: 200 });
    expect(await node.register()).toMatchObject({ status: 200 });
  });

  it('gives no use of its join key back', async () => {
    const [key, node] = [await createKey(), server.node()];
    await node.join(key);
    await remove(node);
    expect(await server.node().join(key)).toMatchObject({ json: { code: 'join-key-refused' } });
    const { join_keys: keys } = await server.admin.call(joinKeyListSchema, 'GET', '/join-keys');
    expect(keys).toMatchObject([{ state: 'spent', uses: 1 }]);
  });

  it('does not keep others from being found silent', async () => {
    const [node, silent] = (await members(2)) as [TestNode, TestNode];
    const liveness = server.running.app.get(Liveness);
    await remove(node);
    // As a heartbeat does that was under way meanwhile.
    liveness.heard(node.publicKey);
    clock.advance(OFFLINE_AFTER);
    await liveness.sweep();
    const { nodes } = await server.admin.call(nodeListSchema, 'GET', '/nodes');
    expect(nodes).toMatchObject([{ id: silent.id, online: false }]);
  });
});

describe('a node that waits for approval', () => {
  it('joins at its next try once it is approved', async () => {
    const [member] = (await members(1)) as [TestNode];
    const node = server.node();
    await node.join(await createKey({ approval: true }));
    expect(await server.admin.call(nodeMessageSchema, 'GET', `/nodes/${node.id}`)).toMatchObject({
      standing: 'pending',
    });
    await edit(node, { standing: 'member' });
    expect(await node.register()).toMatchObject({ status: 200 });
    expect(await peersOf(member)).toEqual([node.id]);
    expect((await auditOf(node)).map(({ action }) => action)).toEqual(['node.approve']);
  });
});

describe('an ephemeral node', () => {
  const left = async () => (await server.admin.call(nodeListSchema, 'GET', '/nodes')).nodes.map(({ id }) => id).sort();

  /** As the server does every minute. */
  async function wait(milliseconds: number): Promise<void> {
    clock.advance(milliseconds);
    await server.running.app.get(EphemeralNodes).sweep();
  }

  it('is deleted after 30 minutes offline, and may come again by its join key', async () => {
    const [ordinary] = (await members(1)) as [TestNode];
    const [key, node] = [await createKey({ reusable: true, ephemeral: true }), server.node()];
    const [silenced, online] = [server.node(), server.node()];
    for (const one of [node, silenced, online]) await one.join(key);
    for (const one of [node, ordinary]) await one.call('POST', '/goodbye', { id: one.id });
    await edit(silenced, { standing: 'disabled' });
    await wait(0);
    await wait(EPHEMERAL_LIMIT - 1000);
    expect(await left()).toHaveLength(4);
    await wait(1000);
    expect(await left()).toEqual([ordinary.id, silenced.id, online.id].sort());
    expect(await auditOf(node)).toMatchObject([{ actor: 'server', action: 'node.delete', after: null }]);
    // The node's clock has not moved.
    clock.jump(-EPHEMERAL_LIMIT);
    expect(await node.heartbeat()).toMatchObject({ json: { code: 'unknown-peer' } });
    expect(await node.join(key)).toMatchObject({ status: 200 });
  });

  it('that comes back in between is offline anew', async () => {
    const [key, node] = [await createKey({ ephemeral: true }), server.node()];
    await node.join(key);
    await node.call('POST', '/goodbye', { id: node.id });
    await wait(0);
    await node.register();
    await wait(0);
    await node.call('POST', '/goodbye', { id: node.id });
    await wait(EPHEMERAL_LIMIT);
    expect(await left()).toEqual([node.id]);
  });
});

describe('tags that an admin sets', () => {
  it('are what the policy goes by at once', async () => {
    const [node, peer] = (await members(2)) as [TestNode, TestNode];
    const document = { tags: ['a'], rules: [{ from: ['tag:a'], to: ['tag:a'], allow: ['*'] }] };
    const headers = { 'if-match': '"0"' };
    await server.admin.call(storedPolicySchema, 'PUT', '/policy', { document, comment: '' }, headers);
    expect(await peersOf(peer)).toEqual([]);
    await edit(node, { tags: ['a'] });
    await edit(peer, { tags: ['b', 'a', 'a'] });
    expect(await peersOf(peer)).toEqual([node.id]);
    expect(await auditOf(peer)).toMatchObject([
      { action: 'node.tag', before: { tags: [] }, after: { tags: ['a', 'b'] } },
    ]);
  });

  it('are no change if they are the same: nothing is told nor recorded', async () => {
    const [node] = (await members(1)) as [TestNode];
    await edit(node, { tags: [], standing: 'member' });
    await edit(node, {});
    expect(await auditOf(node)).toEqual([]);
  });
});

it('there is nothing at an id that no node has', async () => {
  for (const method of ['GET', 'PATCH', 'DELETE'] as const) {
    const body = method === 'PATCH' ? { tags: [] } : undefined;
    await expect(server.admin.call(nodeMessageSchema, method, '/nodes/nobody', body)).rejects.toThrow(
      'There is no node of this id.',
    );
  }
});
