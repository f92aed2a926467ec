// What a node says of a path, in networks where the truth is known; and that a recording, replayed, says the same.

import { nodeCrypto } from '@shadownet/crypto';
import { explain, type Explanation, type Recording } from '@shadownet/paths';
import { addDuration, milliseconds, minutes, seconds } from '@shadownet/primitives';
import { buildSite, type LinkQuality, NAT_KINDS, type NatKind, replayRecording } from '@shadownet/testlab';
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

  it('is bounded, however long a pair talks, and a recording without its beginning is not replayed', () => {
    const recording = recordingBetween('hard-random', 'hard-random', minutes(600));
    expect(recording.entries.length).toBeLessThanOrEqual(256);
    expect(recording.dropped).toBeGreaterThan(0);
    expect(() => replayRecording(recording, nodeCrypto)).toThrow(RangeError);
    expect(explain(recording).path).toBe('relay');
  });
});
