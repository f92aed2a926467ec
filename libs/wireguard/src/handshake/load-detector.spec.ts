import { instant } from '@shadownet/primitives';
import { beforeEach, describe, expect, it } from 'vitest';
import { HandshakeCells } from '../packet-workers/handshake-cells.js';
import { LoadDetector } from './load-detector.js';

const HANDSHAKES_PER_SECOND = 10;

describe('the load detector', () => {
  let cells: HandshakeCells;
  let detector: LoadDetector;
  beforeEach(() => {
    cells = new HandshakeCells({ handshakesPerSecond: HANDSHAKES_PER_SECOND, seed: 1 });
    detector = new LoadDetector(cells);
  });

  /** Charges operations and says whether that made, or left, the device under load. */
  function charge(operations: number, at: number): boolean {
    detector.charge(operations, instant(at));
    return cells.isUnderLoad(instant(at));
  }

  it('declares load when half a second’s work has come at once, for a second after the last excess', () => {
    expect(charge(20, 0)).toBe(false);
    expect(charge(1, 0)).toBe(true);
    expect(cells.isUnderLoad(instant(999))).toBe(true);
    expect(cells.isUnderLoad(instant(1000))).toBe(false);
  });

  it('never declares load at a rate within the budget, by what handshakes cost and not by their number', () => {
    for (let i = 0; i < 1000; i++) expect(charge(4, i * 100)).toBe(false);
    for (let i = 0; i < 1000; i++) expect(charge(1, 100_000 + i * 25)).toBe(false);
  });

  it('tells whoever else has the cells', () => {
    const elsewhere = new HandshakeCells(cells.buffer);
    expect(elsewhere.isUnderLoad(instant(0))).toBe(false);
    charge(21, 0);
    expect(elsewhere.isUnderLoad(instant(0))).toBe(true);
    expect(elsewhere.handshakesPerSecond).toBe(HANDSHAKES_PER_SECOND);
  });
});
