// Every decoder against inputs that nobody meant for it: no exception, no hang, no answer beyond what is allowed, no growing
// memory. In `npm test` a fixed seed and a fixed number of inputs; `npm run fuzz` goes on for longer with a fresh seed.
import { describe, expect, it } from 'vitest';
import { readCorpus } from './corpus.js';
import { fuzz } from './fuzz-run.js';
import { targets } from './targets/all-targets.js';

const chosen = process.env['SHADOWNET_FUZZ_TARGET'];
const seed = numberFrom('SHADOWNET_FUZZ_SEED') ?? 1;
const seconds = numberFrom('SHADOWNET_FUZZ_SECONDS');
const inputs = numberFrom('SHADOWNET_FUZZ_INPUTS');

function numberFrom(variable: string): number | undefined {
  const text = process.env[variable];
  return text === undefined ? undefined : Number(text);
}

it.each(targets)('$name has a committed corpus', ({ name }) => {
  expect(readCorpus(name)).not.toEqual([]);
});

describe('a decoder survives whatever it is fed', () => {
  const isChosen = ({ name }: { name: string }): boolean => chosen === undefined || name === chosen;
  it.each(targets.filter(isChosen))('$name', { timeout: 60_000 + 2000 * (seconds ?? 600) }, (target) => {
    expect(fuzz(target, { seed, seconds, inputs })).toBeGreaterThan(0);
  });
});
