// What a node says of a path, in networks where the truth is known; and that a recording, replayed, says the same.

import { recordingSchema } from '@shadownet/contracts';
import { nodeCrypto } from '@shadownet/crypto';
import { explain, type Explanation, MAX_TIMELINE_ENTRIES, type Recording } from '@shadownet/paths';
import { addDuration, milliseconds, minutes, seconds } from '@shadownet/primitives';
import {
  buildSite,
  compareReplay,
  decisionsOf,
  type LinkQuality,
  NAT_KINDS,
  type NatKind,
  replayRecording,
} from '@shadownet/testlab';
import { describe, expect, it } from 'vitest';
import { INTERNET, SimulatedMesh, type SimulatedMeshNode } from './simulated-mesh.js';

const RELAYED: LinkQuality = { delay: [milliseconds(40), milliseconds(60)], loss: 0 };

/** The recording of the first one's agent after some seconds of data, from before the second one was known. */
function recordingBetween(kindA: NatKind, kindB: NatKind, span = seconds(9)): Recording {
  const mesh = new SimulatedMesh(1, INTERNET, { relay: RELAYED, recording: false });
  const [a, b] = [kindA, kindB].map((kind, i) => {
    const site = buildSite(mesh.network, NAT_KINDS[kind], i + 1, mesh.random);
    site.requestMapping?.(51820);
    return mesh.addNodeAt('ab'[i]!, site.interfaces);
  }) as [SimulatedMeshNode, SimulatedMeshNode];
  mesh.network.run(seconds(2));
  const talk = (): void => {
    a.send(b, 'ping');
    mesh.network.at(addDuration(mesh.network.now, milliseconds(300)), talk);
  };
  talk();
  mesh.network.run(span);
  return a.tunnel.recordingOf(b.tunnel.publicKey)!;
}

const CASES: readonly [NatKind, NatKind, Explanation['path'], RegExp][] = [
  ['port-restricted', 'port-restricted', 'direct', /^direct to 198\.18\.0\.2:51820, where STUN servers see the peer/],
  [
    'full-cone',
    'hard-random',
    'direct',
    /^direct to 198\.18\.0\.2:\d+, where the peer sends from, as its own probes showed/,
  ],
  ['port-restricted', 'hard-random', 'direct', /^direct .* found by trying ports of its NAT/],
  ['port-restricted', 'hard-sequential', 'direct', /^direct .* found by trying ports of its NAT/],
  ['hard-random', 'port-restricted', 'direct', /^direct .* one of many sockets hit the port/],
  ['hard-random', 'hard-random', 'relay', /^both NATs allocate a new port per destination: relayed$/],
  ['port-restricted', 'udp-blocked', 'relay', /^none of \d endpoints? answered: relayed$/],
  ['ipv6-only', 'public', 'relay', /^none of \d endpoints? answered: relayed$/],
  ['ipv6-only', 'dual-stack', 'direct', /^direct to \[2001:db8:0:2::2\]:51820, an address of the peer's own$/],
];

describe('the explanation of a path', () => {
  it.each(CASES)('between %s and %s: %s', (kindA, kindB, path, verdict) => {
    const explanation = explain(recordingBetween(kindA, kindB));
    expect(explanation.path).toBe(path);
    expect(explanation.verdict).toMatch(verdict);
    expect(explanation.attempts.length).toBeGreaterThan(0);
    if (kindA === 'hard-random' && kindB === kindA) {
      expect(explanation.remedies[0]).toMatch(/port mapping .* on either router/);
    }
  });

  it.each(CASES.filter(([, , , verdict]) => !/ports of|many sockets/.test(verdict.source)))(
    'of %s and %s is the same after the recording went through JSON and a replay',
    (kindA, kindB) => {
      const recording = recordingBetween(kindA, kindB);
      const exported = JSON.parse(JSON.stringify(recording)) as Recording;
      for (const seed of [1, 2, 3]) {
        const replayed = replayRecording(exported, nodeCrypto, seed);
        const { verdict, path, remedies } = explain(replayed);
        const original = explain(recording);
        expect({ verdict, path, remedies }).toEqual({
          verdict: original.verdict,
          path: original.path,
          remedies: original.remedies,
        });
      }
    },
  );

  it(
    'is bounded, however long a pair talks, and replays from the first search on that is kept',
    { timeout: 90_000 },
    () => {
      const recording = recordingBetween('hard-random', 'hard-random', minutes(600));
      expect(recording.entries.length).toBeLessThanOrEqual(MAX_TIMELINE_ENTRIES);
      expect(recording.dropped).toBeGreaterThan(0);
      expect(recordingSchema.parse(recording)).toEqual(recording);
      const original = explain(recording);
      expect(original).toMatchObject({ path: 'relay', nats: { local: { mapping: 'endpoint-dependent' } } });
      expect(explain(replayRecording(recording, nodeCrypto))).toMatchObject({
        path: 'relay',
        verdict: original.verdict,
        nats: original.nats,
      });
    },
  );

  it.each([1, 2, 3])(
    'of a path that died, with data and without, is lost and found again in the replay (seed %i)',
    (seed) => {
      for (const talks of [true, false]) {
        const recording = recordingOfLoss(talks);
        expect(decisionsOf(recording).map(({ kind }) => kind)).toContain('lost');
        expect(compareReplay(recording, replayRecording(recording, nodeCrypto, seed))).toEqual({
          kind: 'same-decisions',
        });
      }
    },
  );

  it('that tells of answers which never were is told from its replay', () => {
    const recording = recordingBetween('port-restricted', 'port-restricted');
    const silenced = recording.entries.map((entry) =>
      entry.kind === 'probes' ? { ...entry, answered: 0, firstAnswered: 0, rtt: null, lastAnsweredAt: null } : entry,
    );
    const forged = { ...recording, entries: silenced };
    expect(compareReplay(recording, recording)).toEqual({ kind: 'same-decisions' });
    expect(compareReplay(forged, replayRecording(forged, nodeCrypto))).toMatchObject({ kind: 'differs' });
  });
});

/** Both in public, with a relay: the direct path dies for a minute, and works again. */
function recordingOfLoss(talks: boolean): Recording {
  const mesh = new SimulatedMesh(1, INTERNET, { relay: RELAYED, recording: false });
  const sites = (['port-restricted', 'port-restricted'] as const).map((kind, i) =>
    buildSite(mesh.network, NAT_KINDS[kind], i + 1, mesh.random),
  );
  const [a, b] = sites.map(({ interfaces }, i) => mesh.addNodeAt('ab'[i]!, interfaces)) as [
    SimulatedMeshNode,
    SimulatedMeshNode,
  ];
  mesh.network.run(seconds(2));
  a.send(b, 'first');
  const talk = (): void => {
    a.send(b, 'ping');
    b.send(a, 'pong');
    mesh.network.at(addDuration(mesh.network.now, milliseconds(200)), talk);
  };
  if (talks) talk();
  mesh.network.run(seconds(30));
  const { quality } = sites[0]!.interfaces[0]!.segment;
  sites[0]!.interfaces[0]!.segment.quality = { ...quality, loss: 1 };
  mesh.network.run(seconds(60));
  sites[0]!.interfaces[0]!.segment.quality = quality;
  mesh.network.run(seconds(40));
  return a.tunnel.recordingOf(b.tunnel.publicKey)!;
}
