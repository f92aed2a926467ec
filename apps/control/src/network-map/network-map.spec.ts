import {
  formatMapVersion,
  type MapDelta,
  type MapVersion,
  type NetworkMap,
  type NetworkMapPage,
} from '@shadownet/contracts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TestNode } from '../testing/test-node.js';
import { TestServer } from '../testing/test-server.js';

describe('GET /peers', () => {
  let server: TestServer;
  let node: TestNode;
  let others: TestNode[];

  beforeEach(async () => {
    server = await TestServer.start();
    node = server.node();
    others = Array.from({ length: 5 }, () => server.node());
    for (const each of [node, ...others]) await each.register();
  });
  afterEach(() => server.stop());

  const get = async (query = '') => (await node.call('GET', `/api/v1/peers${query}`)).json;
  const versionOf = (answer: Record<string, unknown>) => formatMapVersion(answer['map_version'] as MapVersion);

  it('answers ?since= with what changed after that version', async () => {
    const before = versionOf(await get());
    expect(await get(`?since=${before}`)).toMatchObject({ removed: [], changed: [] });
    await others[2]!.heartbeat({ endpoint_port: 9 });
    const delta = (await get(`?since=${before}`)) as unknown as MapDelta;
    expect(formatMapVersion(delta.since)).toBe(before);
    expect(delta.changed).toMatchObject([{ id: others[2]!.id, endpoint: '203.0.113.7:9' }]);
    expect(delta.map_version.sequence).toBe(delta.since.sequence + 1);
  });

  it('answers ?since= with the whole map if the version is not of its past', async () => {
    for (const unknown of ['1.1', '99999999999.1']) {
      const map = (await get(`?since=${unknown}`)) as unknown as NetworkMap;
      expect(map.peers).toHaveLength(5);
    }
  });

  it('hands out pages in the order of the addresses, each peer once', async () => {
    const ids: string[] = [];
    let after = '';
    for (let pages = 0; pages < 3; pages++) {
      const page = (await get(`?limit=2${after}`)) as unknown as NetworkMapPage;
      ids.push(...page.peers.map(({ id }) => id));
      after = `&after=${page.next}`;
      expect(page.next === null).toBe(pages === 2);
    }
    expect(ids).toEqual(others.map(({ id }) => id));
  });

  it.each(['?since=x', '?since=1', '?limit=0', '?limit=10001', '?limit=2&after=x'])('refuses %s', async (query) => {
    expect(await get(query)).toMatchObject({ code: 'invalid-body' });
  });
});
