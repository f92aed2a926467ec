import { ipPrefixContains, parseIpAddress, parseIpPrefix } from '@shadownet/primitives';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PolicyEvaluator, type PolicyNode } from './evaluator.js';
import type { PolicyDocument } from './policy.js';
import { randomNode, randomPolicy, randomTraffic } from './random-policy.contract.js';
import { DEFAULT_POLICY_DOCUMENT, readPolicy } from './read-policy.js';
import { containsTraffic, isAllTraffic, parseSingleTraffic, type Traffic } from './traffic-set.js';

const web: PolicyNode = { id: 'web-1', addresses: ['10.100.0.1'], tags: ['web'] };
const db: PolicyNode = { id: 'db-1', addresses: ['10.100.0.2'], tags: ['db'] };

describe('the evaluator', () => {
  it('agrees with a reading of the document, word by word', () => {
    let allowed = 0;
    fc.assert(
      fc.property(randomPolicy, randomNode, randomNode, randomTraffic, (document, a, b, traffic) => {
        const decision = evaluatorOf(document).decide(a, b, traffic);
        const first = document.rules.findIndex(
          ({ from, to, allow }) =>
            from.some((text) => naivelyNames(document, text, a)) &&
            to.some((text) => naivelyNames(document, text, b)) &&
            allow.some((text) => naivelyAllows(text, traffic)),
        );
        expect(decision.allowed ? decision.rule.index : -1).toBe(first);
        if (decision.allowed) allowed++;
      }),
      { numRuns: 3000 },
    );
    // Otherwise the property says little.
    expect(allowed).toBeGreaterThan(200);
  });

  it('compiles filters that allow what it allows, and nothing else', () => {
    fc.assert(
      fc.property(
        randomPolicy,
        fc.array(randomNode, { minLength: 2, maxLength: 5 }),
        randomTraffic,
        (document, nodes, traffic) => {
          const evaluator = evaluatorOf(document);
          for (const node of nodes) {
            for (const peer of nodes) {
              const { inbound, outbound } = evaluator.access(node, peer);
              expect(containsTraffic(inbound, traffic)).toBe(evaluator.decide(peer, node, traffic).allowed);
              expect(containsTraffic(outbound, traffic)).toBe(evaluator.decide(node, peer, traffic).allowed);
              expect(evaluator.mayTalk(node, peer)).toBe(inbound.length + outbound.length > 0);
            }
          }
        },
      ),
    );
  });

  it('lets everybody talk by default', () => {
    const evaluator = evaluatorOf(DEFAULT_POLICY_DOCUMENT);
    expect(isAllTraffic(evaluator.mayOpen(web, db))).toBe(true);
    expect(evaluator.decide(db, web, parseSingleTraffic('tcp/22')!)).toEqual({
      allowed: true,
      rule: { index: 0, rule: DEFAULT_POLICY_DOCUMENT.rules[0] },
    });
  });

  it('says which rules are about the two when none allows what was asked', () => {
    const rule = { name: 'web to database', from: ['tag:web'], to: ['tag:db'], allow: ['tcp/5432'] };
    const evaluator = evaluatorOf({ tags: ['web', 'db'], rules: [rule] });
    const ssh = parseSingleTraffic('tcp/22')!;
    expect(evaluator.decide(web, db, ssh)).toEqual({ allowed: false, near: [{ index: 0, rule }] });
    expect(evaluator.decide(db, web, ssh)).toEqual({ allowed: false, near: [] });
    expect(evaluator.decide(web, db, parseSingleTraffic('tcp/5432')!)).toMatchObject({ allowed: true });
  });

  it('gives nodes one class exactly if no rule tells them apart', () => {
    const evaluator = evaluatorOf({ tags: ['web', 'db'], rules: [{ from: ['tag:web'], to: ['*'], allow: ['*'] }] });
    expect(evaluator.classNumberOf(db)).toBe(evaluator.classNumberOf({ ...db, id: 'db-2', addresses: ['10.100.0.3'] }));
    expect(evaluator.classNumberOf(db)).not.toBe(evaluator.classNumberOf(web));
  });
});

function evaluatorOf(document: PolicyDocument): PolicyEvaluator {
  const read = readPolicy(document);
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return new PolicyEvaluator(read.policy);
}

function naivelyNames(document: PolicyDocument, text: string, node: PolicyNode): boolean {
  if (text === '*') return true;
  if (text.startsWith('group:'))
    return document.groups![text.slice(6)]!.some((member) => naivelyNames(document, member, node));
  if (text.startsWith('tag:')) return node.tags.includes(text.slice(4));
  const host = document.hosts?.[text] ?? text;
  if (host === node.id) return true;
  const prefix = parseIpPrefix(host);
  return prefix !== undefined && node.addresses.some((address) => ipPrefixContains(prefix, parseIpAddress(address)!));
}

function naivelyAllows(text: string, { protocol, port }: Traffic): boolean {
  if (text === '*') return true;
  const [name, detail] = text.split('/');
  const number = { icmp: 1, tcp: 6, udp: 17, sctp: 132, ip: Number(detail) }[name!];
  if (number !== protocol) return false;
  if (detail === undefined || name === 'ip') return true;
  const [first, last = first] = detail.split('-').map(Number);
  return first! <= port && port <= last!;
}
