import { describe, expect, it } from 'vitest';
import { inboundByIptables, inboundByNft } from './firewall-check.js';

const chain = (table: string, policy: string, hook = 'input') => ({
  chain: { family: 'inet', table, name: 'in', type: 'filter', hook, prio: 0, policy },
});
const rule = (table: string, iif: string, verdict: object) => ({
  rule: {
    ...{ family: 'inet', table, chain: 'in' },
    expr: [{ match: { op: '==', left: { meta: { key: 'iifname' } }, right: iif } }, verdict],
  },
});
const ruleset = (...entries: object[]): string =>
  JSON.stringify({ nftables: [{ metainfo: { version: '1.0.6' } }, ...entries] });

describe('the packet filter, as nft tells it,', () => {
  it.each([
    ['open without rules', ruleset(), 'open'],
    ['open if it accepts by default', ruleset(chain('filter', 'accept')), 'open'],
    ['open if only what passes through is dropped', ruleset(chain('filter', 'drop', 'forward')), 'open'],
    ['closed if it drops by default', ruleset(chain('filter', 'drop')), 'closed'],
    [
      'open if the mesh is accepted',
      ruleset(chain('filter', 'drop'), rule('filter', 'shadownet0', { accept: null })),
      'open',
    ],
    [
      'closed if another is accepted',
      ruleset(chain('filter', 'drop'), rule('filter', 'lo', { accept: null })),
      'closed',
    ],
    [
      'closed if the mesh is counted only',
      ruleset(chain('filter', 'drop'), rule('filter', 'shadownet0', { counter: {} })),
      'closed',
    ],
    [
      'closed by the other table',
      ruleset(chain('a', 'drop'), chain('b', 'drop'), rule('a', 'shadownet0', { accept: null })),
      'closed',
    ],
  ])('is %s', (_what, json, kind) => {
    expect(inboundByNft(json, 'shadownet0').kind).toBe(kind);
  });
});

describe('the packet filter, as iptables tells it,', () => {
  it.each([
    ['-P INPUT ACCEPT\n-P FORWARD DROP\n', 'open'],
    ['-P INPUT DROP\n-A INPUT -i lo -j ACCEPT\n', 'closed'],
    ['-P INPUT DROP\n-A INPUT -i shadownet0 -p tcp -j ACCEPT\n', 'open'],
    ['-P INPUT DROP\n-A INPUT -i shadownet01 -j ACCEPT\n', 'closed'],
  ])('%j is %s', (rules, kind) => {
    expect(inboundByIptables(rules, 'shadownet0').kind).toBe(kind);
  });
});
