import { describe, expect, it } from 'vitest';
import { summariseMesh } from './mesh-summary';
import type { LinkView, NodeView } from './mesh-view';

function link(to: string, change: Partial<LinkView> = {}): LinkView {
  return {
    peer: { id: to, hostname: to, virtualIp: null },
    path: 'direct',
    state: 'connected',
    endpoint: null,
    rttMs: null,
    lastHandshake: null,
    traffic: { rxBytes: 0, txBytes: 0, history: [] },
    ...change,
  };
}

function node(id: string, links: LinkView[], change: Partial<NodeView> = {}): NodeView {
  return {
    id,
    hostname: id,
    os: 'linux',
    version: '0.1.0',
    virtualIp: '10.100.0.2',
    publicKey: '',
    endpoint: null,
    candidates: [],
    online: true,
    registeredAt: '',
    lastHeartbeat: null,
    lastHandshake: null,
    links,
    traffic: { rxBytes: 0, txBytes: 0, history: [] },
    ...change,
  };
}

describe('summariseMesh', () => {
  it('counts a pair once, by the better of the two reports', () => {
    const summary = summariseMesh({
      nodes: [
        node('a', [link('b', { path: 'none', state: 'searching' }), link('c')]),
        node('b', [link('a', { path: 'lan' })]),
        node('c', []),
      ],
    });
    expect(summary.paths).toEqual({ lan: 1, direct: 1, relay: 0, none: 0 });
    expect(summary.health.level).toBe('good');
  });

  it('leaves pairs with an offline node out of the paths', () => {
    const summary = summariseMesh({ nodes: [node('a', [link('b')]), node('b', [link('a')], { online: false })] });
    expect(summary.nodes).toEqual({ online: 1, offline: 1 });
    expect(summary.paths).toEqual({ lan: 0, direct: 0, relay: 0, none: 0 });
  });

  it('knows no rate while no node has one, and adds up those that are known', () => {
    const traffic = { rxBytes: 0, txBytes: 0, history: [], rate: { rx: 5, tx: 7 } };
    expect(summariseMesh({ nodes: [node('a', [])] }).rate).toBeUndefined();
    expect(summariseMesh({ nodes: [node('a', [], { traffic }), node('b', [])] }).rate).toEqual({ rx: 5, tx: 7 });
  });

  it('names the nodes that are offline, three at most', () => {
    const off = ['a', 'b', 'c', 'd', 'e'].map((id) => node(id, [], { online: false }));
    expect(summariseMesh({ nodes: [...off, node('f', [])] }).health).toEqual({
      level: 'attention',
      title: '5 of 6 nodes offline',
      sentence: 'No heartbeat from a, b, c and 2 more.',
    });
  });

  it('calls attention to a pair that searches without a path', () => {
    const searching = link('b', { path: 'none', state: 'searching' });
    const { health } = summariseMesh({ nodes: [node('a', [searching]), node('b', [])] });
    expect(health).toMatchObject({ level: 'attention', title: '1 pair of nodes has no path' });
    expect(health.sentence).toContain('a ↔ b');
  });

  it('is content with a pair that has no path because nothing was sent', () => {
    const unused = link('b', { path: 'none', state: 'idle' });
    expect(summariseMesh({ nodes: [node('a', [unused]), node('b', [])] }).health.level).toBe('good');
  });

  it('says that two nodes reach each other', () => {
    const { health } = summariseMesh({ nodes: [node('a', [link('b')]), node('b', [link('a')])] });
    expect(health).toEqual({
      level: 'good',
      title: 'Both nodes online',
      sentence: 'a and b reach each other without a relay.',
    });
  });

  it('says how many do so by a relay', () => {
    const sentence = (...paths: ('direct' | 'relay')[]) => {
      const links = paths.map((path, i) => link(`peer-${i}`, { path }));
      const peers = paths.map((_, i) => node(`peer-${i}`, []));
      return summariseMesh({ nodes: [node('a', links), ...peers] }).health.sentence;
    };
    expect(sentence('relay')).toBe('a and peer-0 reach each other by a relay.');
    expect(sentence('relay', 'direct')).toBe('2 pairs of nodes reach each other, 1 of them by a relay.');
    expect(sentence('relay', 'relay')).toBe('2 pairs of nodes reach each other by a relay.');
  });

  it('waits for the first node of an empty network', () => {
    expect(summariseMesh({ nodes: [] }).health).toMatchObject({ level: 'waiting', title: 'No nodes yet' });
  });
});
