// What a policy means for the nodes that there are: which may open what to which, and what another policy would change. For the
// preview of an edit.

import { PolicyEvaluator, type PolicyNode } from './evaluator.js';
import type { Policy } from './policy.js';
import { type TrafficSet, trafficSetsEqual } from './traffic-set.js';

/** One direction: `from` may open this to `to`. */
export interface Link {
  readonly from: string;
  readonly to: string;
  readonly traffic: TrafficSet;
}

export interface ChangedLink {
  readonly from: string;
  readonly to: string;
  readonly before: TrafficSet;
  readonly after: TrafficSet;
}

/** Lists are cut at the limit that was asked for; counts are not. */
export interface LinkChanges {
  readonly appear: readonly Link[];
  readonly vanish: readonly Link[];
  readonly change: readonly ChangedLink[];
  readonly counts: { readonly appear: number; readonly vanish: number; readonly change: number };
}

/** All links between the nodes, by their ids, in the order of the nodes. */
export function policyLinks(policy: Policy, nodes: readonly PolicyNode[]): Link[] {
  const evaluator = new PolicyEvaluator(policy);
  return nodes.flatMap((from) =>
    nodes.flatMap((to) => {
      const traffic = from === to ? [] : evaluator.mayOpen(from, to);
      return traffic.length > 0 ? [{ from: from.id, to: to.id, traffic }] : [];
    }),
  );
}

/**
 * What changes with the other policy. Nodes that neither policy tells apart are compared once, so that the cost is that of the
 * classes of nodes and of what is listed, not of all pairs.
 */
export function comparePolicies(
  before: Policy,
  after: Policy,
  nodes: readonly PolicyNode[],
  limit: number,
): LinkChanges {
  const [old, next] = [new PolicyEvaluator(before), new PolicyEvaluator(after)];
  const classes = [...groupByClass(nodes, old, next).values()];
  const lists = { appear: [] as Link[], vanish: [] as Link[], change: [] as ChangedLink[] };
  const counts = { appear: 0, vanish: 0, change: 0 };
  for (const sources of classes) {
    for (const targets of classes) {
      const was = old.mayOpen(sources[0]!, targets[0]!);
      const becomes = next.mayOpen(sources[0]!, targets[0]!);
      if (trafficSetsEqual(was, becomes)) continue;
      const kind = was.length === 0 ? 'appear' : becomes.length === 0 ? 'vanish' : 'change';
      counts[kind] += sources.length * targets.length - (sources === targets ? sources.length : 0);
      for (const [from, to] of somePairs(sources, targets, limit - lists[kind].length)) {
        if (kind === 'change') lists.change.push({ from, to, before: was, after: becomes });
        else lists[kind].push({ from, to, traffic: kind === 'appear' ? becomes : was });
      }
    }
  }
  return { ...lists, counts };
}

function groupByClass(nodes: readonly PolicyNode[], ...evaluators: PolicyEvaluator[]): Map<string, PolicyNode[]> {
  const classes = new Map<string, PolicyNode[]>();
  for (const node of nodes) {
    const key = evaluators.map((evaluator) => evaluator.classNumberOf(node)).join();
    const members = classes.get(key);
    if (members) members.push(node);
    else classes.set(key, [node]);
  }
  return classes;
}

/** The first pairs of different nodes. */
function* somePairs(
  sources: readonly PolicyNode[],
  targets: readonly PolicyNode[],
  count: number,
): Generator<[from: string, to: string]> {
  let left = count;
  for (const from of sources) {
    for (const to of targets) {
      if (left <= 0) return;
      if (from === to) continue;
      left--;
      yield [from.id, to.id];
    }
  }
}
