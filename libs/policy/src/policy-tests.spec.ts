import { describe, expect, it } from 'vitest';
import type { PolicyNode } from './evaluator.js';
import type { PolicyDocument, TestDocument } from './policy.js';
import { runPolicyTests } from './policy-tests.js';
import { readPolicy } from './read-policy.js';

const BASE: PolicyDocument = {
  tags: ['web', 'db', 'admin'],
  hosts: { laptop: '10.100.0.9' },
  groups: { ops: ['laptop', 'tag:admin'] },
  rules: [
    { from: ['tag:web'], to: ['tag:db'], allow: ['tcp/5432'] },
    { from: ['group:ops'], to: ['*'], allow: ['tcp/22', 'icmp'] },
  ],
};

describe('tests inside a policy', () => {
  it('hold if the policy does what they say', () => {
    expect(
      failures([
        { from: 'tag:web', to: 'tag:db', allow: ['tcp/5432'], deny: ['tcp/22', 'icmp'] },
        { from: 'group:ops', to: '*', allow: ['tcp/22', 'icmp'], deny: ['tcp/23'] },
        { from: 'laptop', to: 'tag:db', allow: ['tcp/22'] },
        { from: '*', to: 'tag:db', deny: ['*'] },
      ]),
    ).toEqual([]);
  });

  it('fail with their place and the traffic that it is about', () => {
    expect(
      failures([
        { from: 'tag:web', to: 'tag:db', allow: ['tcp/5432', 'tcp/5433'] },
        { from: 'laptop', to: 'tag:web', deny: ['tcp/1-100'] },
      ]),
    ).toEqual([
      ['/tests/0/allow', 'tag:web cannot reach tag:db by tcp/5432-5433'],
      ['/tests/1/deny', 'laptop can reach tag:web by tcp/22'],
    ]);
  });

  it('ask every member of a group', () => {
    const [failure] = failures([{ from: 'group:ops', to: 'tag:db', allow: ['tcp/5432'] }]);
    expect(failure?.[0]).toBe('/tests/0/allow');
  });

  it('know the tags of a registered node that they name by address', () => {
    const node: PolicyNode = { id: 'x', addresses: ['10.100.0.5'], tags: ['web'] };
    const test = { from: '10.100.0.5', to: 'tag:db', allow: ['tcp/5432'] };
    expect(failures([test])).toHaveLength(1);
    expect(failures([test], [node])).toEqual([]);
  });
});

function failures(tests: readonly TestDocument[], nodes: readonly PolicyNode[] = []): [string, string][] {
  const read = readPolicy({ ...BASE, tests });
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return runPolicyTests(read.policy, nodes).map(({ path, message }) => [path, message]);
}
