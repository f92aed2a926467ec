import { describe, expect, it } from 'vitest';
import { type Machine } from '../bench/machine.js';
import { ALL_CELLS, expectedPath, findCell, type GridCell } from './grid-cell.js';
import { type CellMeasurement } from './grid-lab.js';
import { type CellOutcome, describeOutcome, whatIsWrong, writeGridReport } from './grid-report.js';

const MACHINE: Machine = {
  ...{ cpu: 'a processor', cores: 2, memoryBytes: 8e9, kernel: '6', node: '22', openssl: '3', iperf3: '3' },
  ...{
    congestionControl: 'cubic',
    udpBufferBytes: 2e5,
    loadAverage: [0.1, 0.2, 0.3],
    commit: 'c0ffee',
    date: '2026-11-20',
  },
};

function measured(cell: GridCell, more: Partial<CellMeasurement> = {}): CellOutcome {
  const path = expectedPath(cell);
  const directMs = path === 'relay' ? undefined : 400;
  return {
    kind: 'measured',
    cell,
    measurement: { firstAnswerMs: 120, directMs, paths: [path, path], lostPings: 0, ...more },
  };
}

const report = (outcomes: CellOutcome[], guesses: CellOutcome[] = []): string =>
  writeGridReport({ outcomes, guesses, machine: MACHINE, parallel: 2, command: 'npm run natgrid' });

describe('writeGridReport', () => {
  it('shows every cell, and that every goal is met', () => {
    const text = report(ALL_CELLS.map((cell) => measured(cell)));
    expect(text).toContain('46 of 46 pairs exchanged data; 46 ended on the path of the table above.');
    expect(text).toContain('| public | 0.40 s |');
    expect(text).toContain('| hard, random | 0.40 s | 0.40 s | 0.40 s | 0.40 s | 0.40 s | 0.40 s | relay (0.12 s) |');
    expect(text).toContain('| first answer, longest | 46 | 0.12 s | ≤ 1.00 s | met |');
    expect(text).toContain('| direct by guessed ports, longest | 2 | 0.40 s | ≤ 6.00 s | met |');
    expect(text).not.toContain('Not as expected');
  });

  it('says what did not come out, and counts it as never direct', () => {
    const cell = findCell('public×full-cone')!;
    const text = report([measured(cell, { directMs: undefined, paths: ['relay', 'relay'] })]);
    expect(text).toContain('1 of 1 pairs exchanged data; 0 ended on the path');
    expect(text).toContain('- public×full-cone: relay and relay instead of direct');
    expect(text).toContain('| direct, p50 | 1 | never | ≤ 1.50 s | **missed** |');
  });

  it('counts a pair without data as one that failed', () => {
    const outcome = { kind: 'failed', cell: findCell('same-lan')!, reason: 'no answer' } as const;
    expect(report([outcome])).toContain('0 of 1 pairs exchanged data');
    expect(whatIsWrong(outcome)).toBe('same-lan: no answer');
    expect(describeOutcome(outcome)).toBe('FAILED same-lan: no answer');
  });

  it('says how often guessing came to a path in time', () => {
    const cell = findCell('port-restricted×hard-random')!;
    const guesses = [1000, 2000, 3000, undefined].map((directMs) => measured(cell, { directMs }));
    expect(report([], guesses)).toContain(
      '4 runs of port-restricted×hard-random: 3 (75 %) direct within 6.00 s, p50 2.00 s, p95 never.',
    );
  });

  it('wants the path of the table on both sides', () => {
    const cell = findCell('same-lan')!;
    expect(whatIsWrong(measured(cell))).toBeUndefined();
    expect(whatIsWrong(measured(cell, { paths: ['lan', 'relay'] }))).toBe('same-lan: lan and relay instead of lan');
  });
});
