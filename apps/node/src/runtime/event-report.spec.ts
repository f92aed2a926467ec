import { instant, milliseconds, parseEndpoint, parsePublicKey } from '@shadownet/primitives';
import type { TunnelEvent } from '@shadownet/tunnel';
import { beforeEach, describe, expect, it } from 'vitest';
import { RecordingLog } from '../testing/recording-log.js';
import { EventReport } from './event-report.js';

const NOW = instant(0);
const PEER = { id: 'b', hostname: 'b', publicKey: parsePublicKey('3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=')! };
const SERVER = parseEndpoint('203.0.113.10:3478')!;

describe('the report of a tunnel’s events', () => {
  let log: RecordingLog;
  let report: EventReport;
  beforeEach(() => {
    log = new RecordingLog();
    report = new EventReport(log);
  });

  it('tells of a search once, however often it is taken up again', () => {
    for (const reason of ['started', 'retry', 'retry', 'path-lost'] as const) {
      report.write({ kind: 'search-started', peer: PEER, reason, candidates: [] }, NOW);
    }
    expect(log.of('punching').map(({ reason }) => reason)).toEqual(['started', 'path-lost']);
  });

  it('tells of a STUN server when its answer differs, or stops', () => {
    const answer = (endpoint: string): TunnelEvent => {
      return { kind: 'stun-result', server: SERVER, endpoint: parseEndpoint(endpoint)!, rtt: milliseconds(1) };
    };
    for (const endpoint of ['203.0.113.21:1', '203.0.113.21:1', '203.0.113.21:2']) report.write(answer(endpoint), NOW);
    for (let i = 0; i < 2; i++) report.write({ kind: 'stun-unanswered', server: SERVER }, NOW);
    expect(log.of('stun-result').map(({ endpoint }) => endpoint)).toEqual(['203.0.113.21:1', '203.0.113.21:2']);
    expect(log.of('stun-unanswered')).toHaveLength(1);
  });
});
