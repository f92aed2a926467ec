import type { MapDelta, NetworkMap, Peer } from '@shadownet/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyMapDelta, compareMapVersions, diffNetworkMap } from './network-map.js';

function peer(name: string, changes: Partial<Peer> = {}): Peer {
  return {
    id: `id-${name}`,
    public_key: `key-${name}`,
    virtual_ip: '10.100.0.2',
    endpoint: '203.0.113.21:51820',
    candidates: [{ kind: 'host', ip: '192.168.1.2', port: 51820 }],
    hostname: name,
    os: 'Linux',
    allowed_ips: ['10.100.0.2/32'],
    online: true,
    last_heartbeat: null,
    ...changes,
  };
}

function map(peers: readonly Peer[], sequence = 5, epoch = 1): NetworkMap {
  return { map_version: { epoch, sequence }, network_cidr: '10.100.0.0/16', peers: [...peers] };
}

const names = (peers: readonly Peer[]) => peers.map(({ hostname }) => hostname);

describe('map versions', () => {
  it('are ordered by epoch first, then by sequence', () => {
    expect(compareMapVersions({ epoch: 2, sequence: 0 }, { epoch: 1, sequence: 9 })).toBeGreaterThan(0);
    expect(compareMapVersions({ epoch: 1, sequence: 8 }, { epoch: 1, sequence: 9 })).toBeLessThan(0);
    expect(compareMapVersions({ epoch: 1, sequence: 9 }, { epoch: 1, sequence: 9 })).toBe(0);
  });
});

describe('the difference between two maps', () => {
  it('adds everybody when there was no map', () => {
    expect(names(diffNetworkMap(undefined, map([peer('a'), peer('b')])).added)).toEqual(['a', 'b']);
  });

  it('names who came, who changed and who went', () => {
    const old = map([peer('stays'), peer('changes'), peer('goes')]);
    const next = map([peer('stays'), peer('changes', { endpoint: '203.0.113.22:1' }), peer('comes')]);
    const { added, changed, removed } = diffNetworkMap(old, next);
    expect({ added: names(added), changed: names(changed), removed: names(removed) }).toEqual({
      added: ['comes'],
      changed: ['changes'],
      removed: ['goes'],
    });
  });

  it('takes going offline for a change, never for a removal', () => {
    const { changed, removed } = diffNetworkMap(map([peer('a')]), map([peer('a', { online: false })]));
    expect([names(changed), names(removed)]).toEqual([['a'], []]);
  });

  it('takes a new key under an old id for another peer', () => {
    const { added, removed } = diffNetworkMap(map([peer('a')]), map([peer('a', { public_key: 'key-new' })]));
    expect([added[0]!.public_key, removed[0]!.public_key]).toEqual(['key-new', 'key-a']);
  });

  it('does not count another heartbeat as a change', () => {
    const beat = peer('a', { last_heartbeat: '2026-01-01T00:00:00.000Z' });
    expect(diffNetworkMap(map([peer('a')]), map([beat])).changed).toEqual([]);
  });

  it.each<[string, Partial<Peer>]>([
    ['candidates', { candidates: [] }],
    ['allowed IPs', { allowed_ips: ['10.100.0.2/32', '192.168.9.0/24'] }],
    ['hostname', { hostname: 'b' }],
  ])('sees changed %s', (_what, change) => {
    expect(diffNetworkMap(map([peer('a')]), map([peer('a', change)])).changed).toHaveLength(1);
  });

  it('leads from any map to any other: old − removed + added has the peers of next', () => {
    const keys = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'));
    fc.assert(
      fc.property(keys, keys, (before, after) => {
        const diff = diffNetworkMap(map(before.map((name) => peer(name))), map(after.map((name) => peer(name))));
        const kept = before.filter((name) => !names(diff.removed).includes(name));
        expect([...kept, ...names(diff.added)].sort()).toEqual([...after].sort());
        expect(diff.changed).toEqual([]);
      }),
    );
  });
});

describe('a delta', () => {
  const delta = (since: number, sequence: number, changes: Partial<MapDelta> = {}, epoch = 1): MapDelta => ({
    since: { epoch, sequence: since },
    map_version: { epoch, sequence },
    network_cidr: '10.100.0.0/16',
    removed: [],
    changed: [],
    ...changes,
  });

  it('replaces the peers with its ids and takes over the version', () => {
    const changed = [peer('a', { online: false })];
    const applied = applyMapDelta(map([peer('a'), peer('b')]), delta(5, 9, { changed }));
    expect(applied).toEqual({ ok: true, map: map([peer('b'), ...changed], 9) });
  });

  it('adds peers that are new and removes peers by their ids', () => {
    const applied = applyMapDelta(
      map([peer('a'), peer('b')]),
      delta(5, 6, { removed: ['id-a'], changed: [peer('c')] }),
    );
    expect(applied.ok && names(applied.map.peers)).toEqual(['b', 'c']);
  });

  it('puts a peer back whose id it removes: another key has it now', () => {
    const changed = [peer('a', { public_key: 'key-new' })];
    const applied = applyMapDelta(map([peer('a')]), delta(5, 6, { removed: ['id-a'], changed }));
    expect(applied.ok && applied.map.peers).toEqual(changed);
  });

  it('is ignored if the map is newer than all of it', () => {
    expect(applyMapDelta(map([], 7), delta(5, 6))).toEqual({ ok: false, reason: 'older-version' });
    expect(applyMapDelta(map([], 1, 2), delta(5, 6))).toEqual({ ok: false, reason: 'older-version' });
  });

  it('needs a map that has reached the version that it begins at', () => {
    expect(applyMapDelta(undefined, delta(5, 6))).toEqual({ ok: false, reason: 'map-needed' });
    expect(applyMapDelta(map([], 4), delta(5, 6))).toEqual({ ok: false, reason: 'map-needed' });
    expect(applyMapDelta(map([], 7), delta(5, 6, {}, 2))).toEqual({ ok: false, reason: 'map-needed' });
  });

  it('leads from any map that lies within it to the same one', () => {
    const keys = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'));
    fc.assert(
      fc.property(keys, keys, keys, (before, between, after) => {
        const full = delta(5, 9, {
          removed: [...before, ...between].filter((name) => !after.includes(name)).map((name) => `id-${name}`),
          changed: after.map((name) => peer(name)),
        });
        for (const [names_, sequence] of [
          [before, 5],
          [between, 7],
        ] as const) {
          const applied = applyMapDelta(
            map(
              names_.map((name) => peer(name)),
              sequence,
            ),
            full,
          );
          expect(applied.ok && names(applied.map.peers).sort()).toEqual([...after].sort());
        }
      }),
    );
  });
});
