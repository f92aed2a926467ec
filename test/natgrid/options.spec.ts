import { describe, expect, it } from 'vitest';
import { ALL_CELLS, cellName, expectedPath, findCell } from './grid-cell.js';
import { type GridOptions, parseOptions } from './options.js';

function accepted(...argv: string[]): GridOptions {
  const parsed = parseOptions(argv);
  if (parsed.kind !== 'run') throw new Error(`not accepted: ${JSON.stringify(parsed)}`);
  return parsed.options;
}

describe('the cells of the grid', () => {
  it('are every pair of the nine networks once, and the shared LAN', () => {
    expect(ALL_CELLS).toHaveLength((9 * 10) / 2 + 1);
    expect(new Set(ALL_CELLS.map(cellName)).size).toBe(ALL_CELLS.length);
  });

  it('are found by their names, in either order, and with an x', () => {
    for (const cell of ALL_CELLS) {
      expect(findCell(cellName(cell))).toBe(cell);
      expect(findCell(cellName(cell).split('×').reverse().join('x'))).toBe(cell);
    }
    expect(findCell('public×nowhere')).toBeUndefined();
  });

  it('expect what the table of the simulator says', () => {
    const expected = (name: string): string => expectedPath(findCell(name)!);
    expect(expected('hard-random×hard-random')).toBe('relay');
    expect(expected('hard-random×full-cone')).toBe('direct');
    expect(expected('ipv6-only×public')).toBe('relay');
    expect(expected('ipv6-only×ipv6-only')).toBe('direct');
    expect(expected('same-lan')).toBe('lan');
  });
});

describe('parseOptions', () => {
  it('measures everything, one after another, for the documentation', () => {
    expect(accepted()).toEqual({
      ...{ cells: ALL_CELLS, parallel: 1, guessRuns: 10 },
      out: 'docs/nat-traversal.md',
    });
  });

  it('keeps a part of the grid away from the documentation, unless a file is named', () => {
    const cells = ['--cells', 'same-lan,full-conexpublic'];
    expect(accepted(...cells).cells.map(cellName)).toEqual(['public×full-cone', 'same-lan']);
    expect(accepted(...cells).guessRuns).toBe(0);
    expect(accepted(...cells).out).not.toBe('docs/nat-traversal.md');
    expect(accepted(...cells, '--out', 'a.md').out).toBe('a.md');
  });

  it.each([
    [['--cells', 'public'], '"public" is none of the grid'],
    [['--cells', ','], 'nothing is left'],
    [['--parallel', '0'], '"0" is not a number of 1 to 8'],
    [['--parallel', '1.5'], '"1.5" is not a number of 1 to 8'],
    [['--guess-runs', '-1'], '--guess-runs'],
    [['--fast'], "Unknown option '--fast'"],
  ])('refuses %j and says why', (argv, reason) => {
    const parsed = parseOptions(argv);
    expect(parsed.kind === 'refused' && parsed.reason).toContain(reason);
  });
});
