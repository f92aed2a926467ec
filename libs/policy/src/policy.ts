// What a policy is once it is read: who may open connections to whom. Rules only allow, so their order means nothing; whatever
// no rule allows is refused. Made by read-policy.ts only.

import type { IpPrefix } from '@shadownet/primitives';
import type { TrafficSet } from './traffic-set.js';

/** The document as it is stored, edited and shown: JSON of this shape (docs/policy.md). */
export interface PolicyDocument {
  /** Tags that rules may name. Nodes get them from join keys and admins, never by their own word. */
  readonly tags?: readonly string[];
  /** Names for an address, a range in CIDR notation, or a node's id. */
  readonly hosts?: Readonly<Record<string, string>>;
  /** Names for lists of selectors; a group has no groups in it. */
  readonly groups?: Readonly<Record<string, readonly string[]>>;
  readonly rules: readonly RuleDocument[];
  readonly tests?: readonly TestDocument[];
}

export interface RuleDocument {
  /** Shown where the rule decides. */
  readonly name?: string;
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly allow: readonly string[];
}

/** What has to hold for the policy to be accepted. */
export interface TestDocument {
  readonly from: string;
  readonly to: string;
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
}

export interface Policy {
  /** Canonical: two policies that say the same in the same words are the same text as JSON. */
  readonly document: PolicyDocument;
  readonly rules: readonly Rule[];
  readonly tests: readonly PolicyTest[];
}

export interface Rule {
  readonly from: Ends;
  readonly to: Ends;
  readonly allow: TrafficSet;
}

/** Which nodes a list of selectors means, with groups and hosts resolved. */
export interface Ends {
  readonly everybody: boolean;
  readonly tags: ReadonlySet<string>;
  readonly ids: ReadonlySet<string>;
  readonly prefixes: readonly IpPrefix[];
}

export interface PolicyTest {
  /** Each of them is asked; a group in a test stands for all its members. */
  readonly from: readonly Subject[];
  readonly to: readonly Subject[];
  readonly allow: TrafficSet;
  readonly deny: TrafficSet;
}

/** Whom a test is about. `stranger`: a node that nothing is known of, which is what `*` stands for in a test. */
export type Subject =
  | { readonly kind: 'stranger' }
  | { readonly kind: 'tag'; readonly tag: string }
  | { readonly kind: 'id'; readonly id: string }
  | { readonly kind: 'prefix'; readonly prefix: IpPrefix };
