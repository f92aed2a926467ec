// docs/policy.md says only what is so.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PolicyEvaluator } from './evaluator.js';
import { runPolicyTests } from './policy-tests.js';
import { readPolicyText } from './read-policy.js';
import { parseSingleTraffic } from './traffic-set.js';

const text = readFileSync(new URL('../../../docs/policy.md', import.meta.url), 'utf8');
const examples = [...text.matchAll(/^```json policy\n([\s\S]*?)^```/gm)].map(([, example]) => example!);

describe('the policy in the documentation', () => {
  it('is there, has no errors, and its tests hold', () => {
    expect(examples).toHaveLength(1);
    for (const example of examples) {
      const read = readPolicyText(example);
      if (!read.ok) throw new Error(JSON.stringify(read.problems));
      expect(runPolicyTests(read.policy, [])).toEqual([]);
    }
  });

  it('allows what its rules are named for', () => {
    const read = readPolicyText(examples[0]!);
    if (!read.ok) throw new Error(JSON.stringify(read.problems));
    const evaluator = new PolicyEvaluator(read.policy);
    const web = { id: 'a', addresses: ['10.100.0.1'], tags: ['web'] };
    const db = { id: 'b', addresses: ['10.100.0.2'], tags: ['db'] };
    const lab = { id: 'c', addresses: ['10.100.8.3'], tags: [] };
    const rule = (from: typeof web, to: typeof web, traffic: string) => {
      const decision = evaluator.decide(from, to, parseSingleTraffic(traffic)!);
      return decision.allowed ? decision.rule.rule.name : undefined;
    };
    expect(rule(web, db, 'tcp/5432')).toBe('queries');
    expect(rule(lab, db, 'icmp')).toBe('maintenance');
    expect(rule(lab, lab, 'udp/9')).toBe('the lab is open');
    expect(rule(db, web, 'tcp/5432')).toBeUndefined();
  });
});
