import { describe, expect, it } from 'vitest';
import { decapsulatedEcn, ecnOf } from './ecn.js';

const CODEPOINTS = { 'Not-ECT': 0, 'ECT(1)': 1, 'ECT(0)': 2, CE: 3 } as const;
type Codepoint = keyof typeof CODEPOINTS;

/** RFC 6040 §4.2, figure 4: the rows are inner headers. Not-ECT under CE is to be dropped. */
const FIGURE_4: Readonly<Record<Codepoint, Readonly<Record<Codepoint, Codepoint | 'drop'>>>> = {
  'Not-ECT': { 'Not-ECT': 'Not-ECT', 'ECT(0)': 'Not-ECT', 'ECT(1)': 'Not-ECT', CE: 'drop' },
  'ECT(0)': { 'Not-ECT': 'ECT(0)', 'ECT(0)': 'ECT(0)', 'ECT(1)': 'ECT(1)', CE: 'CE' },
  'ECT(1)': { 'Not-ECT': 'ECT(1)', 'ECT(0)': 'ECT(1)', 'ECT(1)': 'ECT(1)', CE: 'CE' },
  CE: { 'Not-ECT': 'CE', 'ECT(0)': 'CE', 'ECT(1)': 'CE', CE: 'CE' },
};

describe('congestion notification', () => {
  const rows = Object.entries(FIGURE_4) as [Codepoint, (typeof FIGURE_4)[Codepoint]][];
  const cases = rows.flatMap(([inner, row]) =>
    (Object.entries(row) as [Codepoint, Codepoint | 'drop'][]).map(
      ([outer, result]) => [inner, outer, result] as const,
    ),
  );

  it.each(cases)('%s that comes under %s is %s', (inner, outer, result) => {
    expect(decapsulatedEcn(CODEPOINTS[inner], CODEPOINTS[outer])).toBe(result === 'drop' ? 'drop' : CODEPOINTS[result]);
  });

  it.each(Object.values(CODEPOINTS))('is read from either kind of packet: %i', (ecn) => {
    expect(ecnOf(Uint8Array.of(9, 0x45, 0x88 | ecn), 1)).toBe(ecn);
    // Of IPv6 the traffic class begins in the first byte and ends in the second, before the flow label.
    expect(ecnOf(Uint8Array.of(0x68, (0x8 << 4) | (ecn << 4) | 0xf))).toBe(ecn);
  });
});
