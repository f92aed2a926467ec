// Answers who may open connections to whom, and which rule decides. Nodes that the same rules name are one class, and what one class
// may do to another is worked out once: a network of thousands of nodes has few of them. Used by the control server for maps and
// questions, and by whoever shows a policy.

import { type IpAddress, ipPrefixContains, parseIpAddress } from '@shadownet/primitives';
import type { Ends, Policy, RuleDocument } from './policy.js';
import { containsTraffic, NO_TRAFFIC, type Traffic, type TrafficSet, uniteTraffic } from './traffic-set.js';

/** What a policy looks at in a node. Nothing of it is the node's own word: a host name is not among it. */
export interface PolicyNode {
  readonly id: string;
  /** Virtual addresses, as text. */
  readonly addresses: readonly string[];
  readonly tags: readonly string[];
}

export type Decision =
  | { readonly allowed: true; readonly rule: DecidingRule }
  /** No rule allows it. `near`: rules that are about these two and allow other traffic. */
  | { readonly allowed: false; readonly near: readonly DecidingRule[] };

export interface DecidingRule {
  /** Its place among the policy's rules, from 0. */
  readonly index: number;
  readonly rule: RuleDocument;
}

/** What two nodes may open towards each other. */
export interface Access {
  readonly inbound: TrafficSet;
  readonly outbound: TrafficSet;
}

/** Nodes that the policy cannot tell apart: the same rules name them as source, and the same as destination. */
interface NodeClass {
  readonly number: number;
  readonly from: ReadonlySet<number>;
  readonly to: ReadonlySet<number>;
}

/** Beyond this many nodes that were looked at, the memory of them begins anew. */
const MAX_KNOWN_NODES = 65_536;

export class PolicyEvaluator {
  readonly #classes = new Map<string, NodeClass>();
  readonly #classOfNode = new Map<string, NodeClass>();
  readonly #access = new Map<number, Map<number, TrafficSet>>();

  constructor(readonly policy: Policy) {}

  /** May `from` open this to `to`? The first rule of the document that allows it decides. */
  decide(from: PolicyNode, to: PolicyNode, traffic: Traffic): Decision {
    const rules = this.#rulesBetween(this.#classOf(from), this.#classOf(to));
    const deciding = rules.find((index) => containsTraffic(this.policy.rules[index]!.allow, traffic));
    if (deciding !== undefined) return { allowed: true, rule: this.#describe(deciding) };
    return { allowed: false, near: rules.map((index) => this.#describe(index)) };
  }

  /** All that `from` may open to `to`. */
  mayOpen(from: PolicyNode, to: PolicyNode): TrafficSet {
    return this.#between(this.#classOf(from), this.#classOf(to));
  }

  /** The entry for `peer` in the compiled filter of `node`. */
  access(node: PolicyNode, peer: PolicyNode): Access {
    return { inbound: this.mayOpen(peer, node), outbound: this.mayOpen(node, peer) };
  }

  /** True if either may open anything to the other: only then do they need to know of each other. */
  mayTalk(a: PolicyNode, b: PolicyNode): boolean {
    return this.mayOpen(a, b).length > 0 || this.mayOpen(b, a).length > 0;
  }

  /** A number that two nodes share if, and only if, no rule tells them apart. */
  classNumberOf(node: PolicyNode): number {
    return this.#classOf(node).number;
  }

  #between(from: NodeClass, to: NodeClass): TrafficSet {
    let row = this.#access.get(from.number);
    if (!row) this.#access.set(from.number, (row = new Map()));
    let set = row.get(to.number);
    if (!set) {
      const allowed = this.#rulesBetween(from, to).map((index) => this.policy.rules[index]!.allow);
      set = allowed.length === 0 ? NO_TRAFFIC : uniteTraffic(allowed);
      row.set(to.number, set);
    }
    return set;
  }

  #rulesBetween(from: NodeClass, to: NodeClass): number[] {
    return [...from.from].filter((index) => to.to.has(index));
  }

  #describe(index: number): DecidingRule {
    return { index, rule: this.policy.document.rules[index]! };
  }

  #classOf(node: PolicyNode): NodeClass {
    const key = `${node.id} ${node.addresses.join()} ${node.tags.join()}`;
    const known = this.#classOfNode.get(key);
    if (known) return known;
    const nodeClass = this.#findClass(node);
    if (this.#classOfNode.size >= MAX_KNOWN_NODES) this.#classOfNode.clear();
    this.#classOfNode.set(key, nodeClass);
    return nodeClass;
  }

  #findClass(node: PolicyNode): NodeClass {
    const addresses = node.addresses.flatMap((text) => parseIpAddress(text) ?? []);
    const naming = (ends: 'from' | 'to'): number[] =>
      this.policy.rules.flatMap((rule, index) => (names(rule[ends], node, addresses) ? [index] : []));
    const [from, to] = [naming('from'), naming('to')];
    const key = `${from.join()}>${to.join()}`;
    let found = this.#classes.get(key);
    if (!found) {
      found = { number: this.#classes.size, from: new Set(from), to: new Set(to) };
      this.#classes.set(key, found);
    }
    return found;
  }
}

function names(ends: Ends, node: PolicyNode, addresses: readonly IpAddress[]): boolean {
  return (
    ends.everybody ||
    ends.ids.has(node.id) ||
    node.tags.some((tag) => ends.tags.has(tag)) ||
    ends.prefixes.some((prefix) => addresses.some((address) => ipPrefixContains(prefix, address)))
  );
}
