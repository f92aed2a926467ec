// Reads a policy document: shape, names, selectors, traffic. Every problem is told with its place and, where a name is not known,
// with the nearest one that is. Used by the control server, its command line and the editor in the dashboard.

import { formatIpPrefix, type IpPrefix, parseIpPrefix } from '@shadownet/primitives';
import type { Ends, Policy, PolicyDocument, PolicyTest, Rule, RuleDocument, Subject, TestDocument } from './policy.js';
import {
  childPath,
  nearestName,
  type PolicyProblem,
  type PolicyProblemCode,
  PolicyProblems,
} from './policy-problem.js';
import { formatTraffic, NO_TRAFFIC, parseTraffic, type TrafficSet, uniteTraffic } from './traffic-set.js';

export type ReadPolicy =
  { readonly ok: true; readonly policy: Policy } | { readonly ok: false; readonly problems: readonly PolicyProblem[] };

/** All may talk: what a network has until somebody writes another. */
export const DEFAULT_POLICY_DOCUMENT: PolicyDocument = {
  rules: [{ name: 'everybody', from: ['*'], to: ['*'], allow: ['*'] }],
};

/** Entries of one list or map, and of rules and tests. */
const LIMITS = { names: 1024, rules: 4096, list: 1024 } as const;
const NAME = /^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$/i;
const NODE_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TRAFFIC_FORMS = '"*", "icmp", "tcp", "udp/53", "tcp/8000-8100" or "ip/47"';

/** Reads the text of a document. */
export function readPolicyText(text: string): ReadPolicy {
  try {
    return readPolicy(JSON.parse(text));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { ok: false, problems: [{ path: '', code: 'not-json', message }] };
  }
}

/** Reads a document that was parsed as JSON, whatever it is. Does not run its tests (policy-tests.ts). */
export function readPolicy(value: unknown): ReadPolicy {
  const problems = new PolicyProblems();
  const policy = new PolicyReader(problems).read(value);
  return policy && problems.list.length === 0 ? { ok: true, policy } : { ok: false, problems: problems.list };
}

type Fields = Readonly<Record<string, unknown>>;

class PolicyReader {
  #tags: ReadonlySet<string> = new Set();
  readonly #hosts = new Map<string, Subject>();
  readonly #groups = new Map<string, readonly Subject[]>();

  constructor(private readonly problems: PolicyProblems) {}

  read(value: unknown): Policy | undefined {
    const fields = this.#fields(value, '', ['tags', 'hosts', 'groups', 'rules', 'tests'], ['rules']);
    if (!fields) return undefined;
    // In the order in which they refer to each other.
    const tags = this.#readTags(fields['tags']);
    const hosts = this.#readHosts(fields['hosts']);
    const groups = this.#readGroups(fields['groups']);
    const rules = this.#list(fields['rules'], '/rules', LIMITS.rules).map((rule, i) =>
      this.#readRule(rule, `/rules/${i}`),
    );
    const tests = this.#list(fields['tests'], '/tests', LIMITS.rules).map((test, i) =>
      this.#readTest(test, `/tests/${i}`),
    );
    if (this.problems.list.length > 0) return undefined;
    const document: PolicyDocument = {
      ...(tags.length > 0 && { tags }),
      ...(Object.keys(hosts).length > 0 && { hosts }),
      ...(Object.keys(groups).length > 0 && { groups }),
      rules: rules.map((rule) => rule!.document),
      ...(tests.length > 0 && { tests: tests.map((test) => test!.document) }),
    };
    return { document, rules: rules.map((rule) => rule!.rule), tests: tests.map((test) => test!.test) };
  }

  #readTags(value: unknown): string[] {
    const tags = this.#list(value, '/tags', LIMITS.names).flatMap((tag, i) => {
      const path = `/tags/${i}`;
      return this.#isName(tag, path) ? [tag] : [];
    });
    for (const [i, tag] of tags.entries()) {
      if (tags.indexOf(tag) !== i)
        this.problems.add(`/tags/${i}`, 'duplicate-name', `the tag "${tag}" is listed twice`);
    }
    this.#tags = new Set(tags);
    return [...this.#tags].sort();
  }

  #readHosts(value: unknown): Record<string, string> {
    const hosts: [string, string][] = [];
    for (const [name, host] of this.#entries(value, '/hosts')) {
      const path = childPath('/hosts', name);
      if (!this.#isName(name, path)) continue;
      const subject = typeof host === 'string' ? literalSubject(host) : undefined;
      if (!subject) {
        this.problems.add(
          path,
          'bad-host',
          `${quoted(host)} is no address, no range in CIDR notation and no node's id`,
        );
        continue;
      }
      this.#hosts.set(name, subject);
      hosts.push([name, formatLiteral(subject)]);
    }
    return Object.fromEntries(hosts.sort(byName));
  }

  #readGroups(value: unknown): Record<string, string[]> {
    const groups: [string, string[]][] = [];
    for (const [name, members] of this.#entries(value, '/groups')) {
      const path = childPath('/groups', name);
      if (!this.#isName(name, path)) continue;
      const read = this.#readSelectors(members, path, 'in-group');
      this.#groups.set(name, read.subjects);
      groups.push([name, read.texts]);
    }
    return Object.fromEntries(groups.sort(byName));
  }

  #readRule(value: unknown, path: string): { rule: Rule; document: RuleDocument } | undefined {
    const fields = this.#fields(value, path, ['name', 'from', 'to', 'allow'], ['from', 'to', 'allow']);
    if (!fields) return undefined;
    const name = this.#readRuleName(fields['name'], `${path}/name`);
    const from = this.#readSelectors(fields['from'], `${path}/from`, 'anywhere');
    const to = this.#readSelectors(fields['to'], `${path}/to`, 'anywhere');
    const allow = this.#readTraffic(fields['allow'], `${path}/allow`);
    return {
      rule: { from: endsOf(from.subjects), to: endsOf(to.subjects), allow },
      document: { ...(name !== undefined && { name }), from: from.texts, to: to.texts, allow: formatTraffic(allow) },
    };
  }

  #readRuleName(value: unknown, path: string): string | undefined {
    if (value === undefined) return undefined;
    if (typeof value === 'string' && value.length > 0 && value.length <= 128 && !/\p{Cc}/u.test(value)) return value;
    this.problems.add(path, 'bad-name', 'a rule is named by 1 to 128 printable characters');
    return undefined;
  }

  #readTest(value: unknown, path: string): { test: PolicyTest; document: TestDocument } | undefined {
    const fields = this.#fields(value, path, ['from', 'to', 'allow', 'deny'], ['from', 'to']);
    if (!fields) return undefined;
    const from = this.#readSelector(fields['from'], `${path}/from`, 'anywhere');
    const to = this.#readSelector(fields['to'], `${path}/to`, 'anywhere');
    const { allow: allowList, deny: denyList } = fields;
    if (allowList === undefined && denyList === undefined)
      this.problems.add(path, 'missing-field', 'a test needs "allow" or "deny"');
    const allow = allowList === undefined ? NO_TRAFFIC : this.#readTraffic(allowList, `${path}/allow`);
    const deny = denyList === undefined ? NO_TRAFFIC : this.#readTraffic(denyList, `${path}/deny`);
    if (!from || !to) return undefined;
    return {
      test: { from: from.subjects, to: to.subjects, allow, deny },
      document: {
        from: from.text,
        to: to.text,
        ...(allowList !== undefined && { allow: formatTraffic(allow) }),
        ...(denyList !== undefined && { deny: formatTraffic(deny) }),
      },
    };
  }

  /** Sorted and without repetitions. */
  #readSelectors(value: unknown, path: string, place: SelectorPlace): { subjects: Subject[]; texts: string[] } {
    const items = this.#list(value, path, LIMITS.list);
    if (Array.isArray(value) && items.length === 0) this.problems.add(path, 'empty-list', 'nobody is named here');
    const subjects: Subject[] = [];
    const texts = new Set<string>();
    for (const [i, item] of items.entries()) {
      const selector = this.#readSelector(item, `${path}/${i}`, place);
      if (!selector || texts.has(selector.text)) continue;
      texts.add(selector.text);
      subjects.push(...selector.subjects);
    }
    return { subjects, texts: [...texts].sort() };
  }

  #readSelector(value: unknown, path: string, place: SelectorPlace): Selector | undefined {
    if (typeof value !== 'string') {
      this.problems.add(path, 'wrong-type', `${quoted(value)} is no text`);
      return undefined;
    }
    if (value === '*') return { text: value, subjects: [{ kind: 'stranger' }] };
    if (value.startsWith('tag:')) return this.#readTag(value, path);
    if (value.startsWith('group:')) return this.#readGroup(value, path, place);
    const host = this.#hosts.get(value);
    if (host) return { text: value, subjects: [host] };
    const literal = literalSubject(value);
    if (literal) return { text: formatLiteral(literal), subjects: [literal] };
    this.#reportUnknownName(value, path);
    return undefined;
  }

  #readTag(text: string, path: string): Selector | undefined {
    const tag = text.slice('tag:'.length);
    if (this.#tags.has(tag)) return { text, subjects: [{ kind: 'tag', tag }] };
    this.#reportUnknown(
      path,
      'unknown-tag',
      `the tag "${tag}" is not listed under "tags"`,
      text,
      this.#prefixed('tag:', this.#tags),
    );
    return undefined;
  }

  #readGroup(text: string, path: string, place: SelectorPlace): Selector | undefined {
    if (place === 'in-group') {
      this.problems.add(path, 'nested-group', 'a group cannot have another group in it');
      return undefined;
    }
    const name = text.slice('group:'.length);
    const subjects = this.#groups.get(name);
    if (subjects) return { text, subjects };
    const known = this.#prefixed('group:', this.#groups.keys());
    this.#reportUnknown(path, 'unknown-group', `there is no group "${name}"`, text, known);
    return undefined;
  }

  #reportUnknownName(text: string, path: string): void {
    if (!NAME.test(text)) {
      const forms = '"*", "tag:NAME", "group:NAME", a name of "hosts", an address, a range, or a node\'s id';
      return this.problems.add(path, 'bad-selector', `${quoted(text)} is none of ${forms}`);
    }
    const known = [
      ...this.#hosts.keys(),
      ...this.#prefixed('tag:', this.#tags),
      ...this.#prefixed('group:', this.#groups.keys()),
    ];
    const exact = [`tag:${text}`, `group:${text}`].find((name) => known.includes(name));
    const suggestion = exact ?? nearestName(text, known);
    this.problems.add(path, 'unknown-name', `"${text}" is not listed under "hosts"${meant(suggestion)}`, suggestion);
  }

  #reportUnknown(
    path: string,
    code: PolicyProblemCode,
    message: string,
    written: string,
    known: Iterable<string>,
  ): void {
    const suggestion = nearestName(written, known);
    this.problems.add(path, code, `${message}${meant(suggestion)}`, suggestion);
  }

  #prefixed(prefix: string, names: Iterable<string>): string[] {
    return [...names].map((name) => `${prefix}${name}`);
  }

  #readTraffic(value: unknown, path: string): TrafficSet {
    const items = this.#list(value, path, LIMITS.list);
    if (Array.isArray(value) && items.length === 0) this.problems.add(path, 'empty-list', 'no traffic is named here');
    const sets = items.flatMap((item, i) => {
      const set = typeof item === 'string' ? parseTraffic(item) : undefined;
      if (!set) this.problems.add(`${path}/${i}`, 'bad-traffic', `${quoted(item)} is not like ${TRAFFIC_FORMS}`);
      return set ? [set] : [];
    });
    return uniteTraffic(sets);
  }

  #fields(value: unknown, path: string, known: readonly string[], required: readonly string[]): Fields | undefined {
    if (!isRecord(value)) {
      this.problems.add(path, 'wrong-type', `${quoted(value)} is no object`);
      return undefined;
    }
    for (const key of Object.keys(value)) {
      if (known.includes(key)) continue;
      const suggestion = nearestName(key, known);
      this.problems.add(
        childPath(path, key),
        'unknown-field',
        `there is no field "${key}"${meant(suggestion)}`,
        suggestion,
      );
    }
    const missing = required.filter((key) => value[key] === undefined);
    for (const key of missing) this.problems.add(path, 'missing-field', `"${key}" is missing`);
    return missing.length > 0 ? undefined : value;
  }

  #list(value: unknown, path: string, limit: number): readonly unknown[] {
    if (value === undefined) return [];
    if (!Array.isArray(value)) {
      this.problems.add(path, 'wrong-type', `${quoted(value)} is no list`);
      return [];
    }
    if (value.length <= limit) return value;
    this.problems.add(path, 'limit-exceeded', `${value.length} entries; there may be ${limit}`);
    return [];
  }

  #entries(value: unknown, path: string): [string, unknown][] {
    if (value === undefined) return [];
    if (!isRecord(value)) {
      this.problems.add(path, 'wrong-type', `${quoted(value)} is no object`);
      return [];
    }
    const entries = Object.entries(value);
    if (entries.length <= LIMITS.names) return entries;
    this.problems.add(path, 'limit-exceeded', `${entries.length} entries; there may be ${LIMITS.names}`);
    return [];
  }

  #isName(value: unknown, path: string): value is string {
    if (typeof value === 'string' && NAME.test(value) && !literalSubject(value)) return true;
    this.problems.add(path, 'bad-name', `${quoted(value)} is no name of 1 to 63 letters, digits, ".", "_" and "-"`);
    return false;
  }
}

type SelectorPlace = 'anywhere' | 'in-group';

interface Selector {
  /** Canonical. */
  readonly text: string;
  readonly subjects: readonly Subject[];
}

/** An address, a range or a node's id, written out. */
function literalSubject(text: string): Subject | undefined {
  const id = text.toLowerCase();
  if (NODE_ID.test(id)) return { kind: 'id', id };
  const prefix = parseIpPrefix(text);
  return prefix && { kind: 'prefix', prefix };
}

function formatLiteral(subject: Subject): string {
  if (subject.kind === 'id') return subject.id;
  return subject.kind === 'prefix' ? formatHostOrRange(subject.prefix) : '*';
}

/** One address without its length. */
function formatHostOrRange(prefix: IpPrefix): string {
  const text = formatIpPrefix(prefix);
  return prefix.length === prefix.address.bytes.length * 8 ? text.slice(0, text.lastIndexOf('/')) : text;
}

function endsOf(subjects: readonly Subject[]): Ends {
  return {
    everybody: subjects.some(({ kind }) => kind === 'stranger'),
    tags: new Set(subjects.flatMap((subject) => (subject.kind === 'tag' ? [subject.tag] : []))),
    ids: new Set(subjects.flatMap((subject) => (subject.kind === 'id' ? [subject.id] : []))),
    prefixes: subjects.flatMap((subject) => (subject.kind === 'prefix' ? [subject.prefix] : [])),
  };
}

function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

function quoted(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

function meant(suggestion: string | undefined): string {
  return suggestion === undefined ? '' : `: did you mean "${suggestion}"?`;
}
