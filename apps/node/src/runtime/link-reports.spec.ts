import { type Duration, type Instant, instant, milliseconds, publicKeyFromBytes } from '@shadownet/primitives';
import type { PeerLinkStatus } from '@shadownet/tunnel';
import { describe, expect, it } from 'vitest';
import { LinkReports } from './link-reports.js';

function link(number: number, changes: Partial<PeerLinkStatus> = {}): PeerLinkStatus {
  const bytes = new Uint8Array(32).fill(9);
  bytes.set([number & 0xff, number >> 8]);
  return {
    id: String(number),
    hostname: `host-${number}`,
    publicKey: publicKeyFromBytes(bytes)!,
    virtualIp: '10.100.0.2',
    online: true,
    path: undefined,
    pathKind: 'none',
    pathState: 'searching',
    rtt: undefined,
    candidates: [],
    session: 'none',
    lastHandshakeAt: undefined,
    rxBytes: 0,
    txBytes: 0,
    ...changes,
  };
}

const rtt = (ms: number): Duration => milliseconds(ms);
const NOW: Instant = instant(100_000);

describe('the links in a heartbeat', () => {
  it('are all of them at first, and then those that changed', () => {
    const links = new LinkReports();
    const first = links.collect([link(1), link(2)], NOW);
    expect(first.reports).toHaveLength(2);
    first.answered();
    const second = links.collect([link(1), link(2, { rxBytes: 5 })], NOW);
    expect(second.reports.map(({ rx_bytes }) => rx_bytes)).toEqual([5]);
  });

  it('are told again until the server has answered', () => {
    const links = new LinkReports();
    links.collect([link(1)], NOW);
    expect(links.collect([link(1)], NOW).reports).toHaveLength(1);
  });

  it('do not change because a handshake grows older, but because there is a new one', () => {
    const links = new LinkReports();
    links.collect([link(1, { lastHandshakeAt: instant(90_000) })], NOW).answered();
    expect(links.collect([link(1, { lastHandshakeAt: instant(90_000) })], instant(130_000)).reports).toEqual([]);
    const renewed = links.collect([link(1, { lastHandshakeAt: instant(125_000) })], instant(130_000));
    expect(renewed.reports[0]!.last_handshake_age_ms).toBe(5000);
  });

  it('do not change because the round trip time wavers, but because it moves', () => {
    const links = new LinkReports();
    links.collect([link(1, { rtt: rtt(20) })], NOW).answered();
    expect(links.collect([link(1, { rtt: rtt(21) })], NOW).reports).toEqual([]);
    expect(links.collect([link(1, { rtt: rtt(30) })], NOW).reports).toHaveLength(1);
  });

  it('come in portions that fit a request, and none is forgotten', () => {
    const links = new LinkReports();
    const peers = Array.from({ length: 1200 }, (_, i) => link(i));
    const seen = new Set<string>();
    for (let beat = 0; beat < 3; beat++) {
      const { reports, answered } = links.collect(peers, NOW);
      expect(JSON.stringify(reports).length).toBeLessThan(200_000);
      for (const report of reports) seen.add(report.public_key);
      answered();
    }
    expect(seen.size).toBe(1200);
  });

  it('are all told again after a registration', () => {
    const links = new LinkReports();
    links.collect([link(1)], NOW).answered();
    links.reset();
    expect(links.collect([link(1)], NOW).reports).toHaveLength(1);
  });
});
