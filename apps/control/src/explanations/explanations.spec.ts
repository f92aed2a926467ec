import { linkDetailsSchema, type PathExplanation } from '@shadownet/contracts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TestNode } from '../testing/test-node.js';
import { TestServer } from '../testing/test-server.js';

const HARD = { mapping: 'endpoint-dependent', allocation: { kind: 'random' } } as const;
const RELAYED: PathExplanation = {
  path: 'relay',
  reason: { code: 'both-nats-hard' },
  nats: { local: HARD, remote: HARD },
  attempts: [
    { kind: 'server-reflexive', endpoint: '203.0.113.9:4000', result: 'unanswered', probes: 25, rtt_ms: null },
    { kind: 'relay', endpoint: null, result: 'answered', probes: 1, rtt_ms: 41.5 },
  ],
};
const DIRECT: PathExplanation = {
  path: 'direct',
  reason: { code: 'direct', means: 'hole-punching', remote: '203.0.113.8:4000' },
  nats: null,
  attempts: [],
};

describe('why a path is what it is', () => {
  let server: TestServer;
  let a: TestNode;
  let b: TestNode;
  beforeEach(async () => {
    server = await TestServer.start({ open: true });
    [a, b] = [server.node(), server.node()];
    await a.register({ hostname: 'host-a' });
    await b.register({ hostname: 'host-b' });
  });
  afterEach(() => server.stop());

  const report = (from: TestNode, to: { publicKey: string }, explanation: unknown) =>
    from.heartbeat({ peers: [], explanations: [{ public_key: to.publicKey, explanation }] });
  const ask = (from: string, to: string) => fetch(`${server.url}/api/v1/links/${from}/${to}`);
  const details = async () => linkDetailsSchema.parse(await (await ask(a.id, b.id)).json());

  it('is shown as both ends said it last, in words of the server', async () => {
    expect((await details()).ends).toEqual([
      { id: a.id, hostname: 'host-a', explanation: null },
      { id: b.id, hostname: 'host-b', explanation: null },
    ]);
    expect((await report(a, b, DIRECT)).status).toBe(200);
    expect((await report(a, b, RELAYED)).status).toBe(200);
    expect((await report(b, a, DIRECT)).status).toBe(200);
    const { ends } = await details();
    expect(ends[0].explanation).toMatchObject({
      ...RELAYED,
      verdict: 'Both NATs allocate a new port per destination: relayed.',
      remedies: ['a port mapping (UPnP, NAT-PMP or PCP) on either router', 'IPv6 on both sides'],
      nat_words: { local: 'another outside port per destination, at random' },
    });
    expect(ends[1].explanation?.verdict).toMatch(/^Direct to 203\.0\.113\.8:4000, where STUN servers see the peer/);
    expect((await ask(b.id, a.id)).headers.get('cache-control')).toBe('no-store');
  });

  it.each([
    ['text of its own', { ...DIRECT, verdict: '<img src=x onerror=alert(1)>' }],
    ['markup in the place of an endpoint', { ...DIRECT, reason: { ...DIRECT.reason, remote: '<script>' } }],
    ['an unknown reason', { ...DIRECT, reason: { code: '<b>' } }],
    ['more attempts than there can be', { ...RELAYED, attempts: Array(27).fill(RELAYED.attempts[0]) }],
  ])('is not taken with %s', async (_, explanation) => {
    expect((await report(a, b, explanation)).status).toBe(400);
    expect((await details()).ends[0].explanation).toBeNull();
  });

  it('is bounded in number, and left out for keys that are not registered and for the reporter itself', async () => {
    const one = { public_key: b.publicKey, explanation: DIRECT };
    expect((await a.heartbeat({ peers: [], explanations: Array(17).fill(one) })).status).toBe(400);
    expect((await report(a, server.node(), DIRECT)).status).toBe(200);
    expect((await report(a, a, DIRECT)).status).toBe(200);
    expect((await details()).ends.map(({ explanation }) => explanation)).toEqual([null, null]);
  });

  it('is not found for who is not there, and not for a node and itself', async () => {
    for (const [from, to] of [
      [a.id, '0f8fad5b-d9cb-469f-a165-70867728950e'],
      [a.id, a.id],
      ['nonsense', '%00'],
    ] as const) {
      expect((await ask(from, to)).status).toBe(404);
    }
  });
});
