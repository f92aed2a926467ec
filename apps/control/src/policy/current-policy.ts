// The policy that is in force, in memory: maps and questions ask it. PolicyService replaces it when another one is accepted.

import { Injectable, type OnModuleInit } from '@nestjs/common';
import {
  DEFAULT_POLICY_DOCUMENT,
  formatTraffic,
  isAllTraffic,
  type Policy,
  PolicyEvaluator,
  type PolicyNode,
  readPolicyText,
  type TrafficSet,
} from '@shadownet/policy';
import { ControlError } from '../control-error.js';
import { WriteQueue } from '../database/write-queue.js';
import type { PeerAccess, Visibility } from '../network-map/visibility.js';
import { formatVirtualAddress } from '../nodes/address-pool.js';
import type { NodeEntity } from '../nodes/node.entity.js';
import { PolicyVersionEntity } from './policy-version.entity.js';

/** Nobody has written one: version 0. */
const DEFAULT_TEXT = JSON.stringify(DEFAULT_POLICY_DOCUMENT);

const EVERYTHING: PeerAccess = {};

@Injectable()
export class CurrentPolicy implements Visibility, OnModuleInit {
  #rules = rulesOf(DEFAULT_TEXT);
  #version: PolicyVersionEntity | undefined;

  constructor(private readonly queue: WriteQueue) {}

  /** Throws ControlError `unusable-files` if a policy is stored that this version of the server cannot read. */
  async onModuleInit(): Promise<void> {
    const [newest] = await this.queue.transaction((manager) =>
      manager.find(PolicyVersionEntity, { order: { version: 'DESC' }, take: 1 }),
    );
    if (newest) this.replace(newest);
  }

  /** From now on this one is in force. */
  replace(version: PolicyVersionEntity): void {
    this.#rules = rulesOf(version.document);
    this.#version = version;
  }

  get version(): number {
    return this.#version?.version ?? 0;
  }

  /** Undefined as long as nobody has written one. */
  get stored(): PolicyVersionEntity | undefined {
    return this.#version;
  }

  get evaluator(): PolicyEvaluator {
    return this.#rules.evaluator;
  }

  /** What this one says, also after it was replaced. */
  snapshot(): Visibility {
    return this.#rules;
  }

  mayTalk(a: NodeEntity, b: NodeEntity): boolean {
    return this.#rules.mayTalk(a, b);
  }

  access(viewer: NodeEntity, peer: NodeEntity): PeerAccess {
    return this.#rules.access(viewer, peer);
  }

  groupOf(node: NodeEntity): number {
    return this.#rules.groupOf(node);
  }
}

/** What a policy looks at in a node; its host name is its own word, and therefore not among it. */
export function policyNodeOf({ id, address, tags }: NodeEntity): PolicyNode {
  return { id, addresses: [formatVirtualAddress(address)], tags };
}

class RulesInForce implements Visibility {
  readonly evaluator: PolicyEvaluator;
  /** Nothing has to be looked up: what a network without a policy of its own has. */
  readonly #isOpen: boolean;
  readonly #texts = new Map<TrafficSet, string[]>();

  constructor(policy: Policy) {
    this.evaluator = new PolicyEvaluator(policy);
    this.#isOpen = policy.rules.some(({ from, to, allow }) => from.everybody && to.everybody && isAllTraffic(allow));
  }

  mayTalk(a: NodeEntity, b: NodeEntity): boolean {
    return this.#isOpen || this.evaluator.mayTalk(policyNodeOf(a), policyNodeOf(b));
  }

  access(viewer: NodeEntity, peer: NodeEntity): PeerAccess {
    if (this.#isOpen) return EVERYTHING;
    const { inbound, outbound } = this.evaluator.access(policyNodeOf(viewer), policyNodeOf(peer));
    return {
      ...(!isAllTraffic(inbound) && { inbound: this.#textsOf(inbound) }),
      ...(!isAllTraffic(outbound) && { outbound: this.#textsOf(outbound) }),
    };
  }

  groupOf(node: NodeEntity): number {
    return this.#isOpen ? 0 : this.evaluator.classNumberOf(policyNodeOf(node));
  }

  /** Sets are the evaluator's own objects, one for each pair of classes. */
  #textsOf(set: TrafficSet): string[] {
    let texts = this.#texts.get(set);
    if (!texts) this.#texts.set(set, (texts = formatTraffic(set)));
    return texts;
  }
}

function rulesOf(document: string): RulesInForce {
  const read = readPolicyText(document);
  if (read.ok) return new RulesInForce(read.policy);
  const [problem] = read.problems;
  throw new ControlError('unusable-files', `the stored policy cannot be read: ${problem!.path} ${problem!.message}`);
}
