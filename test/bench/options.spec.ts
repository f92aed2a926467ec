import { describe, expect, it } from 'vitest';
import { type BenchOptions, parseOptions } from './options.js';

const KNOWN = { cases: ['tcp', 'udp', 'latency'], contenders: ['ours', 'theirs'] };

function accepted(...argv: string[]): BenchOptions {
  const parsed = parseOptions(argv, KNOWN);
  if (parsed.kind !== 'run') throw new Error(`not accepted: ${JSON.stringify(parsed)}`);
  return parsed.options;
}

describe('parseOptions', () => {
  it('measures everything unless told otherwise', () => {
    expect(accepted()).toMatchObject({ ...KNOWN, out: 'docs/benchmarks.md', quick: false });
  });

  it('keeps a quick run away from the official report, unless a file is named', () => {
    expect(accepted('--quick').out).not.toBe('docs/benchmarks.md');
    expect(accepted('--quick')).toMatchObject({ rounds: 1, seconds: 1, quick: true });
    expect(accepted('--quick', '--out', 'a.md', '--rounds', '2')).toMatchObject({ rounds: 2, out: 'a.md' });
  });

  it('takes cases and contenders in their own order', () => {
    expect(accepted('--cases', 'latency,tcp').cases).toEqual(['tcp', 'latency']);
    expect(accepted('--contenders', 'theirs,ours').contenders).toEqual(['ours', 'theirs']);
  });

  it.each([
    [['--cases', 'tcp,icmp'], '"icmp" is none of tcp, udp, latency'],
    [['--contenders', ','], 'nothing is left'],
    [['--rounds', '0'], '"0" is not a number'],
    [['--seconds', '1.5'], '"1.5" is not a number'],
    [['--fast'], "Unknown option '--fast'"],
  ])('refuses %j and says why', (argv, reason) => {
    const parsed = parseOptions(argv, KNOWN);
    expect(parsed.kind === 'refused' && parsed.reason).toContain(reason);
  });
});
