import { explanationReportSchema, MAX_EXPLANATIONS } from '@shadownet/contracts';
import { generatePrivateKey, nodeCrypto } from '@shadownet/crypto';
import type { Recording, TimelineEntry } from '@shadownet/paths';
import { encodePublicKey, type PublicKey, publicKeyFromBytes } from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';
import { secureRandom } from './clock.js';
import { ExplanationReports } from './explanation-reports.js';

const DIRECT = { kind: 'udp', socket: 0, remote: '203.0.113.9:51820' } as const;
const probes = (sent: number, answered = 0): TimelineEntry => ({
  ...{ kind: 'probes', at: 1, path: DIRECT, sent, answered, firstAnswered: answered && 1 },
  ...{ rtt: answered ? 9.5 : null, lastAnsweredAt: answered ? 2 : null },
});
const recordingOf = (...entries: TimelineEntry[]): Recording => ({
  ...{ version: 1, dropped: 0, current: null },
  entries: [{ kind: 'search', at: 1, reason: 'started' }, ...entries],
});
const keys = (count: number): PublicKey[] =>
  Array.from({ length: count }, () =>
    publicKeyFromBytes(nodeCrypto.privateKey(generatePrivateKey(secureRandom)).publicKey)!,
  );

describe('explanations in heartbeats', () => {
  it('are told until they are answered to, and again when they are others', () => {
    const reports = new ExplanationReports();
    const peers = keys(1);
    const collect = (recording: Recording) => reports.collect(peers, () => recording);
    expect(collect(recordingOf(probes(3))).reports).toHaveLength(1);
    const first = collect(recordingOf(probes(3)));
    expect(explanationReportSchema.parse(first.reports[0])).toMatchObject({
      public_key: encodePublicKey(peers[0]!),
      explanation: { path: 'none', reason: { code: 'unanswered', endpoints: 1 }, attempts: [{ probes: 3 }] },
    });
    first.answered();
    // More probes without an answer are no news; an answer is.
    expect(collect(recordingOf(probes(9))).reports).toEqual([]);
    expect(collect(recordingOf(probes(9, 1))).reports).toMatchObject([
      { explanation: { reason: { code: 'not-fit' } } },
    ]);
    reports.reset();
    expect(collect(recordingOf(probes(3))).reports).toHaveLength(1);
  });

  it('are bounded in each heartbeat, and come for all peers in turns', () => {
    const reports = new ExplanationReports();
    const peers = keys(100);
    const told = new Set<string>();
    for (let heartbeat = 0; heartbeat < Math.ceil(100 / MAX_EXPLANATIONS); heartbeat++) {
      const { reports: some, answered } = reports.collect(peers, () => recordingOf(probes(1)));
      expect(some.length).toBeLessThanOrEqual(MAX_EXPLANATIONS);
      for (const { public_key: key } of some) told.add(key);
      answered();
    }
    expect(told.size).toBe(100);
    expect(reports.collect(peers, () => recordingOf(probes(1))).reports).toEqual([]);
  });

  it('say nothing of peers without a path agent, or of whom nothing is recorded', () => {
    const empty: Recording = { version: 1, dropped: 0, entries: [], current: null };
    const [a, b] = keys(2);
    expect(new ExplanationReports().collect([a!, b!], (peer) => (peer === a ? empty : undefined)).reports).toEqual([]);
    expect(new ExplanationReports().collect([], () => empty).reports).toEqual([]);
  });
});
