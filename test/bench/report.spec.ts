import { describe, expect, it } from 'vitest';
import { DEBIAN, NEWEST, SUBJECT } from './gates.js';
import { type ReportInput, writeReport } from './report.js';
import { Results } from './results.js';

function inputWith(results: Results, changes: Partial<ReportInput> = {}): ReportInput {
  const command = (): string[] => [];
  return {
    results,
    contenders: [
      { kind: 'tunnel', id: SUBJECT, title: 'shadownet-wg', version: '1.0', command },
      { kind: 'tunnel', id: DEBIAN, title: "Debian's wireguard-go", version: 'package 0.0', command },
      { kind: 'wire', id: 'veth', title: 'bare veth', version: 'no tunnel' },
    ],
    unavailable: [{ id: NEWEST, title: 'newest wireguard-go', reason: '"go" is not in the PATH' }],
    machine: {
      ...{ cpu: 'A processor', cores: 2, memoryBytes: 8e9, kernel: '6.18', node: '20.20.2', openssl: '3.0.1' },
      ...{
        iperf3: '3.12',
        congestionControl: 'cubic',
        udpBufferBytes: 4e6,
        loadAverage: [0.5, 1, 2],
        commit: 'abc',
        date: '2026-01-02',
      },
    },
    titles: new Map([
      [SUBJECT, 'shadownet-wg'],
      [DEBIAN, "Debian's wireguard-go"],
      [NEWEST, 'newest wireguard-go'],
    ]),
    rounds: 2,
    seconds: 5,
    quick: false,
    command: 'npm run bench',
    ...changes,
  };
}

function twoRounds(): Results {
  const results = new Results();
  results.record(SUBJECT, 1, { 'tcp-1': 3e9, 'rtt-fast-p50': 0.2, 'udp-64-offered': 9 });
  results.record(SUBJECT, 2, { 'tcp-1': 4e9, 'rtt-fast-p50': 0.3 });
  results.record(DEBIAN, 1, { 'tcp-1': 0.5e9, 'rtt-fast-p50': 0.1 });
  results.record(DEBIAN, 2, { 'tcp-1': 0.5e9, 'rtt-fast-p50': 0.1 });
  results.record('veth', 1, { 'tcp-1': 20e9 });
  return results;
}

function lineWith(report: string, start: string): string {
  return report.split('\n').find((line) => line.startsWith(start)) ?? `no line starts with ${start}`;
}

describe('the report', () => {
  const report = writeReport(inputWith(twoRounds()));

  it('passes a verdict on every gate that was measured', () => {
    expect(lineWith(report, "| TCP, 1 stream: ≥ 5.50 × Debian's")).toBe(
      "| TCP, 1 stream: ≥ 5.50 × Debian's wireguard-go | ≥ 8.00 × | 7.00 × (6.00–8.00) | reached |",
    );
    expect(lineWith(report, "| Ping, 100 a second, p50: ≤ 1.00 × Debian's")).toContain('**not reached**');
    expect(lineWith(report, '| TCP, 1 stream: ≥ 1.00 × newest')).toContain('| – | not measured |');
  });

  it('shows ratios before absolute numbers', () => {
    expect(lineWith(report, '| TCP, 1 stream |')).toBe('| TCP, 1 stream | 7.00 × (6.00–8.00) | 0.15 × |');
    expect(report).toContain('| TCP, 1 stream | Gbit/s | 3.50 (3.00–4.00) | 0.50 (0.50–0.50) | 20.0 |');
    expect(report.indexOf('others, higher is better')).toBeLessThan(report.indexOf('### Absolute'));
  });

  it('gives no ratio of what is neither good nor bad', () => {
    expect(report.match(/UDP, 64 bytes, offered/g)).toHaveLength(1);
  });

  it('names who could not take part, and why', () => {
    expect(report).toContain('- newest wireguard-go: did not take part, "go" is not in the PATH');
  });

  it('says what failed, and that a quick run is one', () => {
    const results = twoRounds();
    results.recordFailure({ contender: DEBIAN, round: 2, what: 'udp', reason: 'iperf3:\nno route' });
    const quick = writeReport(inputWith(results, { quick: true }));
    expect(quick).toContain("- Debian's wireguard-go, udp, round 2: iperf3: no route");
    expect(quick).toContain('A quick run');
    expect(report).not.toContain('What failed');
    expect(report).not.toContain('A quick run');
  });

  it('leaves out the tables of which nothing was measured', () => {
    const empty = writeReport(inputWith(new Results()));
    expect(empty).not.toContain('### Absolute');
    expect(empty).not.toContain('is better');
  });
});
