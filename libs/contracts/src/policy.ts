// /api/v1/policy: who may open connections to whom. The document's own shape is read by libs/policy, which tells its problems better
// than a schema can; here it is JSON.

import { z } from 'zod';
import {
  counterSchema,
  hostnameSchema,
  ipAddressSchema,
  nodeIdSchema,
  timeSchema,
  trafficListSchema,
} from './fields.js';

const documentSchema = z.record(z.string(), z.json());
const actorSchema = z.string();
const commentSchema = z.string().max(200);

export const policyVersionSchema = z.object({
  /** 0: nobody has written one yet. */
  version: counterSchema,
  at: timeSchema.nullable(),
  actor: actorSchema.nullable(),
  comment: commentSchema,
});
export type PolicyVersion = z.infer<typeof policyVersionSchema>;

/** GET /policy, and the answer to whatever changes it. */
export const storedPolicySchema = policyVersionSchema.extend({ document: documentSchema });
export type StoredPolicy = z.infer<typeof storedPolicySchema>;

/** PUT /policy and POST /policy/preview. */
export const policyProposalSchema = z.strictObject({ document: z.json(), comment: commentSchema.default('') });
export type PolicyProposal = z.infer<typeof policyProposalSchema>;

/** GET /policy/versions: the newest first. */
export const policyVersionsSchema = z.object({
  versions: z.array(policyVersionSchema),
  /** What to ask with `before` for older ones; null at the end. */
  next: counterSchema.nullable(),
});
export type PolicyVersions = z.infer<typeof policyVersionsSchema>;

export const policyVersionsQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(500).default(50),
  before: z.coerce.number().int().positive().optional(),
});
export type PolicyVersionsQuery = z.infer<typeof policyVersionsQuerySchema>;

export const policyVersionParameterSchema = z.coerce.number().int().positive();

export const nodeReferenceSchema = z.object({
  id: nodeIdSchema,
  hostname: hostnameSchema,
  virtual_ip: ipAddressSchema,
});
export type NodeReference = z.infer<typeof nodeReferenceSchema>;

const linkSchema = z.object({ from: nodeReferenceSchema, to: nodeReferenceSchema });

/** POST /policy/preview: what the proposal would change for the nodes that there are. Lists are cut, counts are not. */
export const policyPreviewSchema = z.object({
  /** Tests of the document that do not hold: it would not be accepted. */
  test_failures: z.array(z.object({ field: z.string(), message: z.string() })),
  appear: z.array(linkSchema.extend({ traffic: trafficListSchema })),
  vanish: z.array(linkSchema.extend({ traffic: trafficListSchema })),
  change: z.array(linkSchema.extend({ before: trafficListSchema, after: trafficListSchema })),
  counts: z.object({ appear: counterSchema, vanish: counterSchema, change: counterSchema }),
});
export type PolicyPreview = z.infer<typeof policyPreviewSchema>;

/** GET /policy/can: nodes by id, virtual address or host name. */
export const canQuerySchema = z.strictObject({
  from: z.string().min(1).max(253),
  to: z.string().min(1).max(253),
  /** One kind: `tcp/22`. */
  traffic: z.string().min(1).max(32),
});
export type CanQuery = z.infer<typeof canQuerySchema>;

const decidingRuleSchema = z.object({
  /** Its place in the document, from 0. */
  index: counterSchema,
  name: z.string().optional(),
  from: z.array(z.string()),
  to: z.array(z.string()),
  allow: trafficListSchema,
});
export type DecidingRuleMessage = z.infer<typeof decidingRuleSchema>;

export const canAnswerSchema = z.object({
  allowed: z.boolean(),
  from: nodeReferenceSchema,
  to: nodeReferenceSchema,
  traffic: z.string(),
  policy_version: counterSchema,
  /** What allows it. */
  rule: decidingRuleSchema.nullable(),
  /** If nothing does: the rules that are about these two and allow other traffic. */
  near: z.array(decidingRuleSchema),
});
export type CanAnswer = z.infer<typeof canAnswerSchema>;
