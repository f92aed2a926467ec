import { instant } from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';
import { PathReceipt, PathSizes } from './path-sizes.js';

/** Runs the ladder to its end on a path that carries up to `limit` bytes; the sizes tried, and the result. */
function climb(
  sizes: PathSizes,
  limit: number,
  from = 0,
): { tried: (readonly number[])[]; result: unknown; at: number } {
  const tried: (readonly number[])[] = [];
  for (let at = sizes.pollTimeout(); at !== undefined; at = sizes.pollTimeout()) {
    const step = sizes.handleTimeout(at);
    if (step && 'probe' in step) {
      tried.push(step.probe);
      for (const bytes of step.probe) if (bytes <= limit) sizes.noteProven(bytes);
    } else if (step) return { tried, result: step.result, at: at - from };
  }
  return { tried, result: undefined, at: 0 };
}

describe('the sizes of a path', () => {
  it('are not tried for small data', () => {
    const sizes = new PathSizes();
    sizes.noteSent(999, instant(0));
    expect(sizes.pollTimeout()).toBeUndefined();
  });

  it('are tried all at once when large data goes out, and are known after one round if all pass', () => {
    const sizes = new PathSizes();
    sizes.noteSent(1312, instant(0));
    const { tried, result, at } = climb(sizes, 2000);
    expect(tried).toEqual([[1232, 1312, 1392, 1452, 1472]]);
    expect(result).toEqual({ provenBytes: 1472, losesBytes: undefined });
    expect(at).toBe(300);
    sizes.noteSent(1312, instant(400));
    expect(sizes.pollTimeout()).toBeUndefined();
  });

  it('that fail are tried three times, before the smallest of them counts as lost', () => {
    const sizes = new PathSizes();
    sizes.noteSent(1312, instant(0));
    const { tried, result, at } = climb(sizes, 1252);
    expect(tried).toEqual([
      [1232, 1312, 1392, 1452, 1472],
      [1312, 1392, 1452, 1472],
      [1312, 1392, 1452, 1472],
    ]);
    expect(result).toEqual({ provenBytes: 1232, losesBytes: 1312 });
    expect(at).toBe(900);
    expect(sizes.lossAt(instant(900 + 299_999))).toBe(1312);
    expect(sizes.lossAt(instant(900 + 300_000))).toBeUndefined();
  });

  it('are tried anew when large data flows and the peer reports none of it for 1.2 s', () => {
    const sizes = new PathSizes();
    sizes.noteSent(1312, instant(0));
    climb(sizes, 2000);
    const report = (largestBytes: number, now: number) => sizes.noteReport({ packets: 9, largestBytes }, instant(now));
    for (let now = 500; now < 10_000; now += 100) {
      sizes.noteSent(1312, instant(now));
      report(1312, now);
    }
    expect(sizes.pollTimeout()).toBeUndefined();
    for (let now = 10_000; now < 11_100; now += 100) {
      sizes.noteSent(1312, instant(now));
      report(96, now);
    }
    expect(sizes.pollTimeout()).toBeUndefined();
    sizes.noteSent(1312, instant(11_200));
    report(96, 11_200);
    expect(sizes.pollTimeout()).toBe(11_200);
    expect(climb(sizes, 1252).result).toEqual({ provenBytes: 1232, losesBytes: 1312 });
  });

  it('are not doubted because data has stopped', () => {
    const sizes = new PathSizes();
    sizes.noteSent(1312, instant(0));
    climb(sizes, 2000);
    sizes.noteSent(1312, instant(1000));
    sizes.noteReport({ packets: 9, largestBytes: 0 }, instant(5000));
    expect(sizes.pollTimeout()).toBeUndefined();
  });
});

describe('what came on a path', () => {
  it('is counted, and the largest of the last one to two seconds is told', () => {
    const receipt = new PathReceipt();
    expect(receipt.report(instant(0))).toEqual({ packets: 0, largestBytes: 0 });
    receipt.noteReceived(1312, instant(100));
    receipt.noteReceived(96, instant(1500));
    expect(receipt.report(instant(1600))).toEqual({ packets: 2, largestBytes: 1312 });
    expect(receipt.report(instant(2600))).toEqual({ packets: 2, largestBytes: 96 });
    expect(receipt.report(instant(9000))).toEqual({ packets: 2, largestBytes: 0 });
  });
});
