// The fuzzer itself: it finds what is planted, and shows the same thing again.
import { describe, expect, it } from 'vitest';
import { fuzz } from './fuzz-run.js';
import type { FuzzTarget } from './fuzz-target.js';

/** A decoder of `length, bytes` that is fed by `feed`. */
function target(feed: (input: Uint8Array) => void): FuzzTarget {
  const example = Uint8Array.of(4, 1, 2, 3, 4);
  return { name: 'planted', inputs: 5000, maxLength: 64, start: () => ({ examples: () => [example], feed }) };
}

describe('a fuzz run', () => {
  it('finds a length that is believed, and says how to see it again', () => {
    const trusting = target((input) => {
      const length = input[0] ?? 0;
      if (length > input.length * 8) throw new RangeError('out of bounds');
    });
    expect(() => fuzz(trusting, { seed: 1 })).toThrow(
      /planted, input \d+ \(hexadecimal [0-9a-f]+\): RangeError: out of bounds\nsee it again: .* --target planted --seed 1 --inputs \d+/,
    );
  });

  it('finds memory that grows', () => {
    const kept: Uint8Array[] = [];
    const hoarding = target(() => void kept.push(new Uint8Array(8192).fill(1)));
    expect(() => fuzz(hoarding, { seed: 1 })).toThrow(/planted keeps \d+ bytes/);
  });

  it('makes the same inputs of the same seed, and others of another', () => {
    const inputs = (seed: number): string[] => {
      const seen: string[] = [];
      fuzz(
        target((input) => void seen.push(Buffer.from(input).toString('hex'))),
        { seed, inputs: 500 },
      );
      return seen;
    };
    expect(inputs(7)).toEqual(inputs(7));
    expect(inputs(7)).not.toEqual(inputs(8));
  });
});
