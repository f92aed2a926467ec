// For specs: random policies and nodes out of few names, so that rules often meet them.

import fc from 'fast-check';
import type { PolicyNode } from './evaluator.js';
import type { PolicyDocument, RuleDocument } from './policy.js';

const TAGS = ['web', 'db', 'admin'];
const HOSTS = { gateway: '10.100.0.1', lab: '10.100.0.4/30', six: 'fd00::/64' };
const GROUP_NAMES = ['ops', 'all-labs'];
const ids = [0, 1, 2].map((n) => `00000000-0000-4000-8000-00000000000${n}`);
const ADDRESSES = ['10.100.0.1', '10.100.0.4', '10.100.0.7', '10.100.9.9', 'fd00::1', 'fd01::1'];

const tagSelector = fc.constantFrom(...TAGS.map((tag) => `tag:${tag}`));
const simpleSelector = fc.oneof(
  tagSelector,
  fc.constantFrom(...Object.keys(HOSTS)),
  fc.constantFrom(...ids),
  fc.constantFrom(...ADDRESSES, '10.100.0.0/16'),
);
const selector = fc.oneof(
  { weight: 5, arbitrary: simpleSelector },
  { weight: 1, arbitrary: fc.constantFrom('*', ...GROUP_NAMES.map((name) => `group:${name}`)) },
);
const port = fc.constantFrom(1, 21, 22, 23, 80, 443, 65_535);
const portRange = fc.tuple(port, port).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`);
const withPorts = fc.tuple(fc.constantFrom('tcp', 'udp'), fc.oneof(port.map(String), portRange));
const traffic = fc.oneof(
  { weight: 4, arbitrary: withPorts.map((parts) => parts.join('/')) },
  { weight: 1, arbitrary: fc.constantFrom('*', 'icmp', 'tcp', 'udp', 'sctp/9', 'ip/47') },
);
const rule: fc.Arbitrary<RuleDocument> = fc.record({
  from: fc.array(selector, { minLength: 1, maxLength: 3 }),
  to: fc.array(selector, { minLength: 1, maxLength: 3 }),
  allow: fc.array(traffic, { minLength: 1, maxLength: 3 }),
});

export const randomPolicy: fc.Arbitrary<PolicyDocument> = fc.record({
  tags: fc.constant(TAGS),
  hosts: fc.constant(HOSTS),
  groups: fc.record({
    ops: fc.array(simpleSelector, { minLength: 1, maxLength: 3 }),
    'all-labs': fc.array(simpleSelector, { minLength: 1, maxLength: 3 }),
  }),
  rules: fc.array(rule, { maxLength: 6 }),
});

export const randomNode: fc.Arbitrary<PolicyNode> = fc.record({
  id: fc.constantFrom(...ids),
  addresses: fc.subarray(ADDRESSES, { minLength: 1, maxLength: 2 }),
  tags: fc.subarray([...TAGS, 'unlisted']),
});

/** Kinds of traffic at and beside the edges of what the rules allow. */
export const randomTraffic = fc
  .oneof(
    fc.tuple(fc.constantFrom(6, 17, 132), fc.constantFrom(1, 2, 9, 21, 22, 23, 24, 80, 443, 65_535)),
    fc.constantFrom<[number, number]>([1, 0], [47, 0], [46, 0]),
  )
  .map(([protocol, portNumber]) => ({ protocol, port: portNumber }));
