import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomPolicy } from './random-policy.contract.js';
import { readPolicy, readPolicyText } from './read-policy.js';

const RULE = { from: ['*'], to: ['*'], allow: ['*'] };

describe('reading a policy', () => {
  it.each([
    ['no object', [], '', 'wrong-type', undefined],
    ['no rules', {}, '', 'missing-field', undefined],
    ['a field that does not exist', { rules: [], test: [] }, '/test', 'unknown-field', 'tests'],
    [
      'a tag that is not listed',
      { tags: ['web'], rules: [{ ...RULE, to: ['*', 'tag:wbe'] }] },
      '/rules/0/to/1',
      'unknown-tag',
      'tag:web',
    ],
    [
      'a group that is not there',
      { groups: { ops: ['*'] }, rules: [{ ...RULE, from: ['group:opps'] }] },
      '/rules/0/from/0',
      'unknown-group',
      'group:ops',
    ],
    [
      'a host that is not there',
      { hosts: { 'db-main': '10.0.0.1' }, rules: [{ ...RULE, from: ['db-mian'] }] },
      '/rules/0/from/0',
      'unknown-name',
      'db-main',
    ],
    [
      'a tag without its prefix',
      { tags: ['web'], rules: [{ ...RULE, from: ['web'] }] },
      '/rules/0/from/0',
      'unknown-name',
      'tag:web',
    ],
    [
      'what is no selector',
      { rules: [{ ...RULE, from: ['web server'] }] },
      '/rules/0/from/0',
      'bad-selector',
      undefined,
    ],
    [
      'a group in a group',
      { groups: { a: ['*'], b: ['group:a'] }, rules: [] },
      '/groups/b/0',
      'nested-group',
      undefined,
    ],
    ['a host that is no address', { hosts: { db: 'db.example' }, rules: [] }, '/hosts/db', 'bad-host', undefined],
    ['a name with a slash', { hosts: { 'a/b': '10.0.0.1' }, rules: [] }, '/hosts/a~1b', 'bad-name', undefined],
    ['a tag that is listed twice', { tags: ['web', 'web'], rules: [] }, '/tags/1', 'duplicate-name', undefined],
    [
      'no such port',
      { rules: [{ ...RULE, allow: ['tcp/22', 'tcp/65536'] }] },
      '/rules/0/allow/1',
      'bad-traffic',
      undefined,
    ],
    ['nobody', { rules: [{ ...RULE, from: [] }] }, '/rules/0/from', 'empty-list', undefined],
    [
      'a rule without a destination',
      { rules: [{ from: ['*'], allow: ['*'] }] },
      '/rules/0',
      'missing-field',
      undefined,
    ],
    [
      'a test that asks nothing',
      { rules: [], tests: [{ from: '*', to: '*' }] },
      '/tests/0',
      'missing-field',
      undefined,
    ],
    ['too many rules', { rules: Array(4097).fill(RULE) }, '/rules', 'limit-exceeded', undefined],
  ])('refuses %s, and says where', (_, document, path, code, suggestion) => {
    const read = readPolicy(document);
    if (read.ok) throw new Error('it was accepted');
    expect(read.problems).toHaveLength(1);
    expect(read.problems[0]).toMatchObject({ path, code });
    expect(read.problems[0]!.suggestion).toBe(suggestion);
  });

  it('tells all problems at once', () => {
    const read = readPolicy({
      hosts: { db: 1 },
      rules: [
        { ...RULE, from: ['nobody'] },
        { ...RULE, allow: ['tcp/0'] },
      ],
    });
    expect(!read.ok && read.problems.map(({ path }) => path)).toEqual([
      '/hosts/db',
      '/rules/0/from/0',
      '/rules/1/allow/0',
    ]);
  });

  it('says what is wrong with text that is no JSON', () => {
    expect(readPolicyText('{"rules": [')).toMatchObject({ ok: false, problems: [{ path: '', code: 'not-json' }] });
  });

  it('writes a document in one canonical form, which reads as itself', () => {
    const read = readPolicy({
      tags: ['web', 'db'],
      hosts: { lab: '10.9.8.7/24', one: '10.0.0.1/32' },
      rules: [
        { from: ['tag:web', 'one', 'tag:web'], to: ['FD00:0::1'], allow: ['udp/53', 'tcp/80', 'tcp/81-90', 'tcp/85'] },
      ],
    });
    expect(read.ok && read.policy.document).toEqual({
      tags: ['db', 'web'],
      hosts: { lab: '10.9.8.0/24', one: '10.0.0.1' },
      rules: [{ from: ['one', 'tag:web'], to: ['fd00::1'], allow: ['tcp/80-90', 'udp/53'] }],
    });
    fc.assert(
      fc.property(randomPolicy, (document) => {
        const once = readPolicy(document);
        const twice = once.ok && readPolicy(once.policy.document);
        expect(once.ok && twice && twice.ok && JSON.stringify(twice.policy.document)).toBe(
          once.ok && JSON.stringify(once.policy.document),
        );
      }),
    );
  });

  it('never throws, whatever it is given', () => {
    const field = fc.constantFrom(
      'tags',
      'hosts',
      'groups',
      'rules',
      'tests',
      'from',
      'to',
      'allow',
      '__proto__',
      'constructor',
    );
    const text = fc.constantFrom(
      '*',
      'tag:',
      'group:',
      'tag:__proto__',
      'group:constructor',
      '',
      '/',
      '1.2.3.4/99',
      'tcp/-',
    );
    const { any } = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 4 },
        text,
        fc.constantFrom(null, 1, true),
        fc.array(tie('any'), { maxLength: 3 }),
        fc.dictionary(field, tie('any'), { maxKeys: 4 }),
      ),
    }));
    const document = fc.record(
      { tags: any, hosts: any, groups: any, rules: any, tests: any },
      { requiredKeys: ['rules'] },
    );
    fc.assert(
      fc.property(document, (value) => {
        const read = readPolicy(value);
        expect(read.ok || read.problems.length > 0).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});
