// The tests inside a policy document, which have to hold before it is accepted. What they ask does not depend on who is registered:
// a tag stands for a node that has this tag and nothing else, a host for the node at that address, `*` for a node that nothing is known of.

import { formatIpAddress } from '@shadownet/primitives';
import { PolicyEvaluator, type PolicyNode } from './evaluator.js';
import type { Policy, Subject } from './policy.js';
import { type PolicyProblem, PolicyProblems } from './policy-problem.js';
import { formatTraffic, intersectTraffic, type TrafficSet, trafficSetsEqual } from './traffic-set.js';

/** What does not hold, each with the place of the test. `nodes`: those that tests name by address or id are asked with their tags. */
export function runPolicyTests(policy: Policy, nodes: readonly PolicyNode[]): readonly PolicyProblem[] {
  const problems = new PolicyProblems();
  const evaluator = new PolicyEvaluator(policy);
  for (const [i, { from, to, allow, deny }] of policy.tests.entries()) {
    const { from: source, to: target } = policy.document.tests![i]!;
    for (const [a, b] of pairs(from, to)) {
      const open = evaluator.mayOpen(nodeOf(a, nodes), nodeOf(b, nodes));
      const missing = trafficSetsEqual(intersectTraffic(open, allow), allow) ? [] : subtractTexts(allow, open);
      if (missing.length > 0)
        problems.add(`/tests/${i}/allow`, 'test-failed', `${source} cannot reach ${target} by ${missing.join(', ')}`);
      const excess = intersectTraffic(open, deny);
      if (excess.length > 0)
        problems.add(
          `/tests/${i}/deny`,
          'test-failed',
          `${source} can reach ${target} by ${formatTraffic(excess).join(', ')}`,
        );
    }
  }
  return problems.list;
}

function pairs(from: readonly Subject[], to: readonly Subject[]): [Subject, Subject][] {
  return from.flatMap((a) => to.map((b): [Subject, Subject] => [a, b]));
}

function nodeOf(subject: Subject, nodes: readonly PolicyNode[]): PolicyNode {
  switch (subject.kind) {
    case 'stranger':
      return { id: '', addresses: [], tags: [] };
    case 'tag':
      return { id: '', addresses: [], tags: [subject.tag] };
    case 'id':
      return nodes.find(({ id }) => id === subject.id) ?? { id: subject.id, addresses: [], tags: [] };
    case 'prefix': {
      const address = formatIpAddress(subject.prefix.address);
      return nodes.find(({ addresses }) => addresses.includes(address)) ?? { id: '', addresses: [address], tags: [] };
    }
  }
}

/** What of the wanted traffic is not open, in the words of the test as far as a whole word is missing. */
function subtractTexts(wanted: TrafficSet, open: TrafficSet): string[] {
  return wanted.flatMap((interval) =>
    trafficSetsEqual(intersectTraffic(open, [interval]), [interval]) ? [] : formatTraffic([interval]),
  );
}
