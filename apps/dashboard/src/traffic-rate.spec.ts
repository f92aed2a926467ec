import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { extendHistory, HISTORY_LENGTH, nextSample, sumRates, type TrafficSample } from './traffic-rate';

const reading = (at: number, rxBytes: number, txBytes: number) => ({ at, rxBytes, txBytes });

describe('nextSample', () => {
  it('knows no rate from a single reading', () => {
    expect(nextSample(undefined, reading(1_000, 500, 500)).rate).toBeUndefined();
  });

  it('divides what was carried by the time between the two reports', () => {
    const first = nextSample(undefined, reading(10_000, 1_000, 50));
    expect(nextSample(first, reading(12_500, 6_000, 50)).rate).toEqual({ rx: 2_000, tx: 0 });
  });

  it('keeps its rate while the same report is polled again', () => {
    const first = nextSample(undefined, reading(0, 0, 0));
    const second = nextSample(first, reading(2_000, 4_000, 2_000));
    expect(nextSample(second, reading(2_000, 4_000, 2_000))).toBe(second);
  });

  it('ignores a report that is older than the one it has', () => {
    const sample = nextSample(undefined, reading(5_000, 100, 100));
    expect(nextSample(sample, reading(4_000, 900, 900))).toBe(sample);
  });

  it('starts over when a counter went down, as after a restart of the node', () => {
    const before = nextSample(nextSample(undefined, reading(0, 1_000, 1_000)), reading(1_000, 2_000, 2_000));
    const restarted = nextSample(before, reading(2_000, 10, 5_000));
    expect(restarted.rate).toBeUndefined();
    expect(nextSample(restarted, reading(3_000, 30, 5_000)).rate).toEqual({ rx: 20, tx: 0 });
  });

  it('never shows a negative or an infinite rate, whatever is reported in whatever order', () => {
    const anyReading = fc.record({ at: fc.nat(100_000), rxBytes: fc.nat(), txBytes: fc.nat() });
    fc.assert(
      fc.property(fc.array(anyReading, { maxLength: 50 }), (readings) => {
        let sample: TrafficSample | undefined;
        for (const next of readings) {
          sample = nextSample(sample, next);
          if (!sample.rate) continue;
          expect(sample.rate.rx).toBeGreaterThanOrEqual(0);
          expect(sample.rate.tx).toBeGreaterThanOrEqual(0);
          expect(Number.isFinite(sample.rate.rx + sample.rate.tx)).toBe(true);
        }
      }),
    );
  });
});

describe('sumRates', () => {
  it('adds what is known and leaves out what is not', () => {
    expect(sumRates([{ rx: 1, tx: 2 }, undefined, { rx: 10, tx: 20 }])).toEqual({ rx: 11, tx: 22 });
  });

  it('is unknown, not zero, without any known rate', () => {
    expect(sumRates([undefined, undefined])).toBeUndefined();
  });
});

describe('extendHistory', () => {
  it('holds the newest points of both directions together', () => {
    let history: readonly number[] = [];
    for (let i = 0; i < HISTORY_LENGTH + 5; i += 1) history = extendHistory(history, { rx: i, tx: 1 });
    expect(history).toHaveLength(HISTORY_LENGTH);
    expect(history[0]).toBe(6);
    expect(history.at(-1)).toBe(HISTORY_LENGTH + 5);
  });
});
