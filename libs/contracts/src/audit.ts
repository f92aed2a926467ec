// GET /api/v1/audit: who changed what.

import { z } from 'zod';
import { timeSchema } from './fields.js';

const MAX_PAGE = 500;
const nameSchema = z.string().min(1).max(300);

/** The fields of a subject that matter, in words. Never a secret, nor a hash of one. */
export const auditFactsSchema = z.record(z.string(), z.json());
export type AuditFacts = z.infer<typeof auditFactsSchema>;

export const auditEntrySchema = z.object({
  /** Rises with time; not without gaps. */
  id: z.number().int().positive(),
  at: timeSchema,
  /** `local` (the admin socket), `account:NAME`, `token:NAME`, `node:ID` or `server`. */
  actor: nameSchema,
  /** `noun.verb` */
  action: nameSchema,
  /** `noun:name` */
  subject: nameSchema,
  before: auditFactsSchema.nullable(),
  after: auditFactsSchema.nullable(),
});
export type AuditEntry = z.infer<typeof auditEntrySchema>;

/** The query, whose values are text. */
export const auditQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(50),
  /** `next` of the page before. */
  before: z.coerce.number().int().positive().optional(),
  actor: nameSchema.optional(),
  action: nameSchema.optional(),
  subject: nameSchema.optional(),
  since: timeSchema.optional(),
  until: timeSchema.optional(),
});
export type AuditQuery = z.infer<typeof auditQuerySchema>;

export const auditPageSchema = z.object({
  /** The newest first. */
  entries: z.array(auditEntrySchema),
  /** What to ask with `before` for older ones; null at the end. */
  next: z.number().int().positive().nullable(),
});
export type AuditPage = z.infer<typeof auditPageSchema>;
