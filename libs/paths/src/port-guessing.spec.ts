import { formatEndpoint, instant, parseEndpoint } from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';
import type { Candidate } from './candidate.js';
import type { NatTraits } from './nat-traits.js';
import { GUESS_SOCKETS, guessRole, type GuessStep, MAX_GUESSES, PortGuessing } from './port-guessing.js';

const EASY: NatTraits = { mapping: 'endpoint-independent', allocation: { kind: 'preserving' } };
const HARD: NatTraits = { mapping: 'endpoint-dependent', allocation: { kind: 'random' } };
const SEQUENTIAL: NatTraits = { mapping: 'endpoint-dependent', allocation: { kind: 'sequential', step: 2 } };
const UNKNOWN: NatTraits = { mapping: 'unknown', allocation: { kind: 'unknown' } };

const candidate = (kind: Candidate['kind'], text: string): Candidate => ({ kind, endpoint: parseEndpoint(text)! });
const CANDIDATES = [
  candidate('host', '192.168.1.2:51820'),
  candidate('server-reflexive', '203.0.113.9:40000'),
  candidate('server-reflexive', '203.0.113.9:40002'),
];

function guessing(): PortGuessing {
  let seed = 1;
  return new PortGuessing((length) =>
    Uint8Array.from({ length }, () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) >> 16),
  );
}

/** All steps until it rests, with their times. */
function runOf(guess: PortGuessing, remote: NatTraits, candidates = CANDIDATES): { at: number; step: GuessStep }[] {
  const steps: { at: number; step: GuessStep }[] = [];
  for (let at = guess.pollTimeout(); at !== undefined; at = guess.pollTimeout()) {
    const step = guess.handleTimeout(candidates, remote, at);
    if (step) steps.push({ at, step });
    if (step?.kind === 'open-sockets') {
      guess.useSockets(
        Array.from({ length: step.count }, (_, i) => i + 1),
        at,
      );
    }
  }
  return steps;
}

describe('ports are guessed', () => {
  it.each([
    ['hard and easy', HARD, EASY, 'hard'],
    ['easy and hard', EASY, HARD, 'easy'],
    ['easy and sequential', EASY, SEQUENTIAL, 'easy'],
    ['sequential and easy: its one socket is enough', SEQUENTIAL, EASY, undefined],
    ['both hard', HARD, HARD, undefined],
    ['both easy', EASY, EASY, undefined],
    ['hard and unknown', HARD, UNKNOWN, undefined],
  ] as const)('by %s', (_, local, remote, role) => {
    expect(guessRole(local, remote)).toBe(role);
  });

  it('from the easy side: 1,200 distinct ports of the peer’s outside address, at 300 a second at most', () => {
    const guess = guessing();
    guess.schedule('easy', instant(0));
    const steps = runOf(guess, HARD);
    const probes = steps.flatMap(({ at, step }) =>
      step.kind === 'probe-ports' ? step.to.map((to) => ({ at, to })) : [],
    );
    expect(new Set(probes.map(({ to }) => formatEndpoint(to))).size).toBe(MAX_GUESSES);
    for (const { to } of probes) {
      expect(formatEndpoint(to)).toMatch(/^203\.0\.113\.9:/);
      expect(to.port).toBeGreaterThanOrEqual(1024);
    }
    for (let from = 0; from < 6000; from += 100) {
      expect(probes.filter(({ at }) => at >= from && at < from + 1000).length).toBeLessThanOrEqual(300);
    }
    expect(probes.at(-1)!.at).toBeLessThan(5200);
    expect(steps.at(-1)!.step.kind).toBe('give-up');
  });

  it('from the hard side: one probe from each of 256 sockets to the peer’s outside endpoint, then they are given back', () => {
    const guess = guessing();
    guess.schedule('hard', instant(0));
    const steps = runOf(guess, EASY);
    expect(steps[0]!.step).toEqual({ kind: 'open-sockets', count: GUESS_SOCKETS });
    const probes = steps.flatMap(({ step }) => (step.kind === 'probe-from' ? [step] : []));
    expect(new Set(probes.map(({ to }) => formatEndpoint(to)))).toEqual(new Set(['203.0.113.9:40000']));
    expect(probes.flatMap(({ sockets }) => sockets)).toHaveLength(GUESS_SOCKETS);
    const { at, step } = steps.at(-1)!;
    expect(step).toMatchObject({ kind: 'give-up' });
    expect(step.kind === 'give-up' && step.sockets).toHaveLength(GUESS_SOCKETS);
    expect(at).toBeLessThanOrEqual(7000);
  });

  it('of a sequential allocator: the next ones in both directions, by its step', () => {
    const guess = guessing();
    guess.schedule('easy', instant(0));
    const ports = runOf(guess, SEQUENTIAL).flatMap(({ step }) =>
      step.kind === 'probe-ports' ? step.to.map(({ port }) => port) : [],
    );
    expect(ports.slice(0, 3)).toEqual([40004, 40006, 40008]);
    expect(ports).toHaveLength(128);
    expect(ports).toContain(39998);
  });

  it('not again for two minutes after it came to nothing', () => {
    const guess = guessing();
    guess.schedule('easy', instant(0));
    const end = runOf(guess, HARD).at(-1)!.at;
    guess.schedule('easy', instant(end + 119_999));
    expect(guess.pollTimeout()).toBeUndefined();
    guess.schedule('easy', instant(end + 120_000));
    expect(guess.pollTimeout()).toBe(end + 120_600);
  });

  it('never at addresses that are no outside: then it ends at once', () => {
    const guess = guessing();
    guess.schedule('easy', instant(0));
    const steps = runOf(guess, HARD, [candidate('host', '192.168.1.2:51820'), candidate('host', '[2001:db8::1]:9')]);
    expect(steps.map(({ step }) => step.kind)).toEqual(['give-up']);
  });

  it('no more once a path is found; sockets that come too late are given back', () => {
    const guess = guessing();
    guess.schedule('hard', instant(0));
    guess.handleTimeout(CANDIDATES, EASY, instant(800));
    expect(guess.stop(instant(900))).toEqual([]);
    expect(guess.useSockets([1, 2], instant(950))).toEqual([1, 2]);
    expect(guess.pollTimeout()).toBeUndefined();
  });
});
