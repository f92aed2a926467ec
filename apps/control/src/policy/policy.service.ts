// Changes of the policy and questions about it. A change is accepted only for the version that its author has seen, and if the tests
// in the document hold.

import { Inject, Injectable } from '@nestjs/common';
import type {
  CanAnswer,
  CanQuery,
  DecidingRuleMessage,
  MapVersion,
  PolicyPreview,
  PolicyProposal,
  PolicyVersions,
  PolicyVersionsQuery,
  StoredPolicy,
} from '@shadownet/contracts';
import {
  comparePolicies,
  type DecidingRule,
  DEFAULT_POLICY_DOCUMENT,
  formatSingleTraffic,
  formatTraffic,
  parseSingleTraffic,
  type Policy,
  type PolicyProblem,
  readPolicy,
  runPolicyTests,
} from '@shadownet/policy';
import { type EntityManager, LessThan, LessThanOrEqual } from 'typeorm';
import { AuditLog } from '../audit/audit-log.js';
import type { Caller } from '../auth/caller.js';
import { SignedTransactions } from '../auth/signed-transactions.js';
import { type Clock, CLOCK, formatTime } from '../clock.js';
import { WriteQueue } from '../database/write-queue.js';
import { ApiError } from '../http/api-error.js';
import { MapBroadcast } from '../events/map-broadcast.js';
import { MapVersions } from '../network-map/map-versions.js';
import { NodeRoster } from '../network-map/node-roster.js';
import type { NodeEntity } from '../nodes/node.entity.js';
import { requireMember } from '../nodes/standing.js';
import { CurrentPolicy, policyNodeOf } from './current-policy.js';
import { findNode, referenceOf } from './node-names.js';
import { PolicyVersionEntity } from './policy-version.entity.js';

/** Older ones are forgotten. */
const KEPT_VERSIONS = 1000;
/** Links that a preview lists of each kind. */
const LISTED_LINKS = 500;
const REPORTED_PROBLEMS = 50;

/** Who changes the policy, and which version they have seen. */
export interface PolicyEdit {
  readonly actor: string;
  readonly seen: number;
}

@Injectable()
export class PolicyService {
  constructor(
    private readonly queue: WriteQueue,
    private readonly transactions: SignedTransactions,
    private readonly current: CurrentPolicy,
    private readonly roster: NodeRoster,
    private readonly mapVersions: MapVersions,
    private readonly broadcast: MapBroadcast,
    private readonly audit: AuditLog,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  get(): StoredPolicy {
    const { stored } = this.current;
    if (stored) return toStored(stored);
    return { version: 0, at: null, actor: null, comment: '', document: toJson(DEFAULT_POLICY_DOCUMENT) };
  }

  /** Throws ApiError `policy-invalid` and `version-conflict`. */
  put({ document, comment }: PolicyProposal, edit: PolicyEdit): Promise<StoredPolicy> {
    const policy = parse(document);
    return this.#store(edit, 'policy.change', () => Promise.resolve({ policy, comment }));
  }

  /** The version becomes the newest one. Throws ApiError `not-found`, and as `put`: tests may know other nodes than they did. */
  restore(version: number, edit: PolicyEdit): Promise<StoredPolicy> {
    return this.#store(edit, 'policy.restore', async (manager) => {
      const row = await manager.findOneBy(PolicyVersionEntity, { version });
      if (!row) throw new ApiError('not-found', `There is no version ${version}.`);
      return { policy: parse(JSON.parse(row.document)), comment: `as of version ${version}` };
    });
  }

  /** Throws ApiError `policy-invalid`. */
  preview(proposal: PolicyProposal): PolicyPreview {
    const policy = parse(proposal.document);
    const nodes = this.#nodes();
    const policyNodes = nodes.map(policyNodeOf);
    const changes = comparePolicies(this.current.evaluator.policy, policy, policyNodes, LISTED_LINKS);
    const byId = new Map(nodes.map((node) => [node.id, referenceOf(node)]));
    const ends = ({ from, to }: { from: string; to: string }) => ({ from: byId.get(from)!, to: byId.get(to)! });
    return {
      test_failures: runPolicyTests(policy, policyNodes).map(({ path, message }) => ({ field: path, message })),
      appear: changes.appear.map((link) => ({ ...ends(link), traffic: formatTraffic(link.traffic) })),
      vanish: changes.vanish.map((link) => ({ ...ends(link), traffic: formatTraffic(link.traffic) })),
      change: changes.change.map((link) => ({
        ...ends(link),
        before: formatTraffic(link.before),
        after: formatTraffic(link.after),
      })),
      counts: changes.counts,
    };
  }

  async versions({ limit, before }: PolicyVersionsQuery): Promise<PolicyVersions> {
    const where = before === undefined ? {} : { version: LessThan(before) };
    const rows = await this.queue.transaction((manager) =>
      manager.find(PolicyVersionEntity, { where, order: { version: 'DESC' }, take: limit + 1 }),
    );
    const versions = rows.slice(0, limit).map(({ version, at, actor, comment }) => {
      return { version, at: formatTime(at), actor, comment };
    });
    return { versions, next: rows.length > limit ? versions.at(-1)!.version : null };
  }

  /** Throws ApiError `not-found`. */
  async version(version: number): Promise<StoredPolicy> {
    const row = await this.queue.transaction((manager) => manager.findOneBy(PolicyVersionEntity, { version }));
    if (!row) throw new ApiError('not-found', `There is no version ${version}.`);
    return toStored(row);
  }

  /** Throws ApiError `unknown-peer`, `ambiguous-name` and `invalid-body`. */
  can(query: CanQuery): CanAnswer {
    return this.#decide(query, this.#nodes());
  }

  /** The same for a node, which is told of itself only, and of nodes that it sees. */
  async canOwn(caller: Caller, query: CanQuery): Promise<CanAnswer> {
    const self = await this.transactions.run(caller, () => Promise.resolve(this.roster.node(caller.publicKey)));
    if (!self) throw new ApiError('unknown-peer', 'Register first.');
    requireMember(self);
    const visible = this.#nodes().filter((node) => node === self || this.current.mayTalk(self, node));
    const answer = this.#decide(query, visible);
    if (answer.from.id !== self.id && answer.to.id !== self.id)
      throw new ApiError('forbidden', 'A node can only ask what concerns itself.');
    return { ...answer, rule: answer.rule && withoutAddresses(answer.rule), near: answer.near.map(withoutAddresses) };
  }

  #decide({ from, to, traffic: text }: CanQuery, nodes: readonly NodeEntity[]): CanAnswer {
    const traffic = parseSingleTraffic(text);
    if (!traffic) {
      const message = 'has to be of one kind, like tcp/22, udp/53, icmp or ip/47';
      throw new ApiError('invalid-body', undefined, { errors: [{ field: 'traffic', message }] });
    }
    const [source, target] = [findNode(nodes, from), findNode(nodes, to)];
    const decision = this.current.evaluator.decide(policyNodeOf(source), policyNodeOf(target), traffic);
    return {
      allowed: decision.allowed,
      from: referenceOf(source),
      to: referenceOf(target),
      traffic: formatSingleTraffic(traffic),
      policy_version: this.current.version,
      rule: decision.allowed ? toMessage(decision.rule) : null,
      near: decision.allowed ? [] : decision.near.map(toMessage),
    };
  }

  #nodes(): NodeEntity[] {
    return [...this.roster.nodes()].sort((a, b) => a.address - b.address);
  }

  #store(
    { actor, seen }: PolicyEdit,
    action: string,
    propose: (manager: EntityManager) => Promise<{ policy: Policy; comment: string }>,
  ): Promise<StoredPolicy> {
    const work = async (manager: EntityManager): Promise<{ row: PolicyVersionEntity; map: MapVersion }> => {
      const before = this.current.version;
      if (seen !== before) throw new ApiError('version-conflict', `The policy is at version ${before}, not ${seen}.`);
      const { policy, comment } = await propose(manager);
      const failures = runPolicyTests(policy, this.#nodes().map(policyNodeOf));
      if (failures.length > 0) throw invalid('The tests of the policy do not hold.', failures);
      const row = {
        version: before + 1,
        at: this.clock.wall(),
        actor,
        comment,
        document: JSON.stringify(policy.document),
      };
      await manager.insert(PolicyVersionEntity, row);
      await manager.delete(PolicyVersionEntity, { version: LessThanOrEqual(row.version - KEPT_VERSIONS) });
      const facts = { version: row.version, comment, rules: policy.rules.length };
      await this.audit.record(manager, { actor, action, subject: 'policy', before: { version: before }, after: facts });
      const map = await this.mapVersions.advance(manager);
      await this.mapVersions.forgetBefore(manager, map.sequence);
      return { row, map };
    };
    const committed = ({ row, map }: { row: PolicyVersionEntity; map: MapVersion }): void => {
      const formerly = this.current.snapshot();
      this.current.replace(row);
      this.broadcast.publishVisibility(map, formerly);
    };
    return this.queue.transaction(work, committed).then(({ row }) => toStored(row));
  }
}

function parse(document: unknown): Policy {
  const read = readPolicy(document);
  if (read.ok) return read.policy;
  throw invalid('The policy has errors.', read.problems);
}

function invalid(detail: string, problems: readonly PolicyProblem[]): ApiError {
  const errors = problems.slice(0, REPORTED_PROBLEMS).map(({ path, ...problem }) => ({ field: path, ...problem }));
  return new ApiError('policy-invalid', detail, { errors });
}

function toStored({ version, at, actor, comment, document }: PolicyVersionEntity): StoredPolicy {
  return { version, at: formatTime(at), actor, comment, document: JSON.parse(document) as StoredPolicy['document'] };
}

function toJson(document: object): StoredPolicy['document'] {
  return JSON.parse(JSON.stringify(document)) as StoredPolicy['document'];
}

/** What a node is told of a rule: of addresses and hosts in it, which may be others', nothing. */
function withoutAddresses(rule: DecidingRuleMessage): DecidingRuleMessage {
  const isPlain = (selector: string): boolean => /^(\*$|tag:|group:)/.test(selector);
  return { ...rule, from: rule.from.filter(isPlain), to: rule.to.filter(isPlain) };
}

function toMessage({ index, rule }: DecidingRule): DecidingRuleMessage {
  const { name, from, to, allow } = rule;
  return { index, ...(name !== undefined && { name }), from: [...from], to: [...to], allow: [...allow] };
}
