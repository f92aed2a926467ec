import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PolicyNode } from './evaluator.js';
import { comparePolicies, type Link, policyLinks } from './links.js';
import type { Policy, PolicyDocument } from './policy.js';
import { randomNode, randomPolicy } from './random-policy.contract.js';
import { readPolicy } from './read-policy.js';
import { formatTraffic } from './traffic-set.js';

/** With ids of their own, and few enough kinds that there are classes of several. */
const randomNodes = fc
  .array(randomNode, { minLength: 2, maxLength: 8 })
  .map((nodes) => nodes.map((node, i): PolicyNode => ({ ...node, id: `${node.id}#${i}` })));

describe('comparing policies', () => {
  it('finds what a comparison of all links finds', () => {
    fc.assert(
      fc.property(randomPolicy, randomPolicy, randomNodes, (one, other, nodes) => {
        const [before, after] = [policyOf(one), policyOf(other)];
        const changes = comparePolicies(before, after, nodes, 1000);
        const [was, becomes] = [textsOf(policyLinks(before, nodes)), textsOf(policyLinks(after, nodes))];
        const appear = [...becomes].filter(([link]) => !was.has(link));
        const vanish = [...was].filter(([link]) => !becomes.has(link));
        const change = [...was].filter(([link, text]) => becomes.has(link) && becomes.get(link) !== text);
        expect([...textsOf(changes.appear)].sort()).toEqual(appear.sort());
        expect([...textsOf(changes.vanish)].sort()).toEqual(vanish.sort());
        expect(changes.change.map(({ from, to }) => `${from}>${to}`).sort()).toEqual(
          change.map(([link]) => link).sort(),
        );
        expect(changes.counts).toEqual({ appear: appear.length, vanish: vanish.length, change: change.length });
      }),
    );
  });

  it('lists no more than was asked for, and counts all', () => {
    const nodes = Array.from({ length: 2000 }, (_, i): PolicyNode => ({ id: String(i), addresses: [], tags: [] }));
    const nobody = policyOf({ rules: [] });
    const all = policyOf({ rules: [{ from: ['*'], to: ['*'], allow: ['*'] }] });
    const changes = comparePolicies(nobody, all, nodes, 10);
    expect(changes.appear).toHaveLength(10);
    expect(changes.counts).toEqual({ appear: 2000 * 1999, vanish: 0, change: 0 });
  });
});

function policyOf(document: PolicyDocument): Policy {
  const read = readPolicy(document);
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return read.policy;
}

function textsOf(links: readonly Link[]): Map<string, string> {
  return new Map(links.map(({ from, to, traffic }) => [`${from}>${to}`, formatTraffic(traffic).join()]));
}
