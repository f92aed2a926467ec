import { describe, expect, it } from 'vitest';
import { explain } from './explain.js';
import { explanationLines } from './explanation-words.js';
import type { Recording, TimelineEntry, TimelinePath } from './timeline.js';

const RELAY: TimelinePath = { kind: 'relay' };
const DIRECT: TimelinePath = { kind: 'udp', socket: 0, remote: '203.0.113.9:51820' };
const HARD = { mapping: 'endpoint-dependent', allocation: { kind: 'random' } } as const;
const EASY = { mapping: 'endpoint-independent', allocation: { kind: 'preserving' } } as const;

const recordingOf = (current: TimelinePath | null, ...entries: TimelineEntry[]): Recording => ({
  version: 1,
  dropped: 0,
  entries,
  current,
});
const candidates: TimelineEntry = {
  kind: 'candidates',
  at: 0,
  source: 'map',
  candidates: [{ kind: 'server-reflexive', endpoint: '203.0.113.9:51820' }],
};
const search: TimelineEntry = { kind: 'search', at: 1, reason: 'traffic' };
const unanswered: TimelineEntry = {
  kind: 'probes',
  at: 1,
  path: DIRECT,
  sent: 25,
  answered: 0,
  firstAnswered: 0,
  lastAnsweredAt: null,
  rtt: null,
};
const nats = (local: typeof HARD | typeof EASY, remote: typeof HARD | typeof EASY): TimelineEntry => ({
  kind: 'nats',
  at: 2,
  local,
  remote,
});

describe('the verdict on a relayed path', () => {
  it.each<[string, TimelineEntry[], string]>([
    ['nothing', [], 'no data has asked for a direct path yet: relayed'],
    [
      'two hard NATs',
      [candidates, search, nats(HARD, HARD), unanswered],
      'both NATs allocate a new port per destination: relayed',
    ],
    [
      'a hard NAT of ours',
      [candidates, search, nats(HARD, EASY), unanswered],
      'our NAT allocates a new port per destination, which the other side does not let in: relayed',
    ],
    [
      'guesses that missed',
      [candidates, search, nats(EASY, HARD), unanswered, { kind: 'guessing', at: 9, role: 'easy' }],
      "the peer's NAT allocates a new port per destination, which the other side does not let in, and no guess hit it: relayed",
    ],
    ['no answers', [candidates, search, nats(EASY, EASY), unanswered], 'none of 1 endpoints answered: relayed'],
    ['nobody to ask', [search], 'the peer named no endpoint that can be tried: relayed'],
    [
      'a loss',
      [candidates, search, unanswered, { kind: 'lost', at: 9, path: DIRECT, reason: 'full-size-lost' }],
      'the direct path was left: it carries probes, but loses full-sized data: relayed',
    ],
  ])('after %s', (_, entries, verdict) => {
    expect(explain(recordingOf(RELAY, ...entries)).verdict).toBe(verdict);
  });

  it('without a relay says that there is no path', () => {
    expect(explain(recordingOf(null, candidates, search, unanswered)).verdict).toBe(
      'none of 1 endpoints answered: no path',
    );
  });
});

describe('an explanation for people', () => {
  it('has the verdict, what would change it, both NATs, and each attempt', () => {
    const explanation = explain(recordingOf(RELAY, candidates, search, nats(HARD, HARD), unanswered));
    expect(explanationLines(explanation)).toEqual([
      'Both NATs allocate a new port per destination: relayed.',
      "Our NAT: another outside port per destination, at random. The peer's: another outside port per destination, at random.",
      'What would make it direct: a port mapping (UPnP, NAT-PMP or PCP) on either router, or IPv6 on both sides.',
      '  server-reflexive 203.0.113.9:51820: no answer to 25 probes',
    ]);
  });
});
