import type { Overview, OverviewLink, OverviewNode } from '@shadownet/contracts';
import { describe, expect, it } from 'vitest';
import { buildMeshView } from './mesh-view';

const START = Date.UTC(2026, 0, 15, 12);
const at = (seconds: number) => new Date(START + seconds * 1_000).toISOString();

function node(id: string, change: Partial<OverviewNode> = {}): OverviewNode {
  return {
    id,
    public_key: `${id}-key`,
    hostname: id,
    os: 'linux',
    version: '0.1.0',
    virtual_ip: '10.100.0.2',
    endpoint: '203.0.113.7:41641',
    candidates: [],
    online: true,
    registered_at: at(0),
    last_heartbeat: at(0),
    ...change,
  };
}

function link(from: string, to: string, change: Partial<OverviewLink> = {}): OverviewLink {
  return {
    from,
    to,
    path: 'direct',
    state: 'connected',
    endpoint: '198.51.100.4:41641',
    rtt_ms: 12,
    last_handshake: at(0),
    rx_bytes: 0,
    tx_bytes: 0,
    reported_at: at(0),
    ...change,
  };
}

function overview(time: number, nodes: OverviewNode[], links: OverviewLink[]): Overview {
  return {
    network: {
      cidr: '10.100.0.0/16',
      server_public_key: 'server-key',
      version: '0.1.0',
      map_version: { epoch: 1, sequence: 1 },
    },
    server_time: at(time),
    nodes,
    links,
  };
}

describe('buildMeshView', () => {
  it('orders nodes by name with numbers as numbers, whatever their state', () => {
    const names = ['web-10', 'web-2', 'api'];
    const view = buildMeshView(
      overview(
        0,
        names.map((name) => node(name, { online: name !== 'api' })),
        [],
      ),
    );
    expect(view.nodes.map((each) => each.hostname)).toEqual(['api', 'web-2', 'web-10']);
  });

  it('gives each node the links that it reported, named after their peers', () => {
    const view = buildMeshView(overview(0, [node('a'), node('b', { virtual_ip: '10.100.0.3' })], [link('a', 'b')]));
    expect(view.nodes[0]!.links[0]!.peer).toEqual({ id: 'b', hostname: 'b', virtualIp: '10.100.0.3' });
    expect(view.nodes[1]!.links).toEqual([]);
  });

  it('still shows a link to a node that the server no longer lists', () => {
    const view = buildMeshView(overview(0, [node('a')], [link('a', '0b9c8d7e-gone')]));
    expect(view.nodes[0]!.links[0]!.peer).toEqual({ id: '0b9c8d7e-gone', hostname: '0b9c8d7e', virtualIp: null });
  });

  it('takes the newest handshake of a node from either end of its links', () => {
    const links = [link('a', 'b', { last_handshake: at(-90) }), link('b', 'a', { last_handshake: at(-20) })];
    const view = buildMeshView(overview(0, [node('a'), node('b')], links));
    expect(view.nodes.map((each) => each.lastHandshake)).toEqual([at(-20), at(-20)]);
  });

  it('adds up the totals and the rates of a node from its links', () => {
    const nodes = (time: number) => [node('a', { last_heartbeat: at(time) }), node('b'), node('c')];
    const links = (time: number, carried: number) => [
      link('a', 'b', { rx_bytes: 100 + carried, tx_bytes: carried, reported_at: at(time) }),
      link('a', 'c', { rx_bytes: 200 + carried, tx_bytes: 0, reported_at: at(time) }),
    ];
    const first = buildMeshView(overview(0, nodes(0), links(0, 0)));
    expect(first.nodes[0]!.traffic.rate).toBeUndefined();
    const second = buildMeshView(overview(2, nodes(2), links(2, 5_000)), first);
    expect(second.nodes[0]!.traffic).toMatchObject({ rxBytes: 10_300, txBytes: 5_000, rate: { rx: 5_000, tx: 2_500 } });
  });

  it('shows no traffic on a link that a later heartbeat did not mention', () => {
    const carried = link('a', 'b', { rx_bytes: 9_000, reported_at: at(2) });
    const first = buildMeshView(overview(0, [node('a')], [link('a', 'b')]));
    const busy = buildMeshView(overview(2, [node('a', { last_heartbeat: at(2) })], [carried]), first);
    const quiet = buildMeshView(overview(4, [node('a', { last_heartbeat: at(4) })], [carried]), busy);
    expect(busy.nodes[0]!.links[0]!.traffic.rate).toEqual({ rx: 4_500, tx: 0 });
    expect(quiet.nodes[0]!.links[0]!.traffic.rate).toEqual({ rx: 0, tx: 0 });
  });

  it('adds a point to the history per report, not per poll', () => {
    const report = (time: number) =>
      overview(
        time,
        [node('a', { last_heartbeat: at(time) })],
        [link('a', 'b', { rx_bytes: time * 100, reported_at: at(time) })],
      );
    const second = buildMeshView(report(2), buildMeshView(report(0)));
    const polledAgain = buildMeshView({ ...report(2), server_time: at(3) }, second);
    expect(second.nodes[0]!.traffic.history).toEqual([100]);
    expect(polledAgain.nodes[0]!.traffic.history).toEqual([100]);
    expect(buildMeshView(report(4), polledAgain).nodes[0]!.traffic.history).toEqual([100, 100]);
  });

  it('forgets a rate once the node is offline or its report is old, and keeps the totals', () => {
    const moved = link('a', 'b', { rx_bytes: 2_000, reported_at: at(2) });
    const heard = { last_heartbeat: at(2) };
    const live = buildMeshView(
      overview(2, [node('a', heard)], [moved]),
      buildMeshView(overview(0, [node('a')], [link('a', 'b')])),
    );
    const offline = buildMeshView(overview(4, [node('a', { ...heard, online: false })], [moved]), live);
    const silent = buildMeshView(overview(90, [node('a', heard)], [moved]), live);
    expect(live.nodes[0]!.traffic.rate).toEqual({ rx: 1_000, tx: 0 });
    for (const view of [offline, silent]) {
      expect(view.nodes[0]!.traffic).toEqual({ rxBytes: 2_000, txBytes: 0, history: [] });
    }
  });
});
