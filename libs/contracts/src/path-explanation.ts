// Why the path of a link is what it is: reported by each end with its heartbeats, by codes and facts in bounds, and shown by
// GET /api/v1/links/{from}/{to}, where the control server adds the words. Of what a node sends no text reaches a reader.

import { z } from 'zod';
import { counterSchema, endpointSchema, hostnameSchema, nodeIdSchema, publicKeySchema, timeSchema } from './fields.js';
import { lossReasonSchema, natTraitsSchema } from './recording.js';

/** Explanations in one heartbeat: with 26 attempts of 130 bytes each they come to 56 KB. */
export const MAX_EXPLANATIONS = 16;
/** 16 announced and 8 learnt candidates, a relay, and a socket that guessed. */
export const MAX_ATTEMPTS = 26;

const pathReasonSchema = z.discriminatedUnion('code', [
  z.strictObject({
    code: z.literal('direct'),
    means: z.enum(['own-address', 'hole-punching', 'port-mapping', 'seen', 'guessed', 'many-sockets']),
    remote: endpointSchema,
  }),
  z.strictObject({ code: z.literal('not-searched') }),
  z.strictObject({ code: z.literal('path-left'), loss: lossReasonSchema }),
  z.strictObject({ code: z.literal('both-nats-hard') }),
  z.strictObject({ code: z.literal('no-endpoints') }),
  z.strictObject({ code: z.literal('nat-hard'), whose: z.enum(['ours', 'theirs']), guessed: z.boolean() }),
  z.strictObject({ code: z.literal('not-fit') }),
  z.strictObject({ code: z.literal('unanswered'), endpoints: z.number().int().min(0).max(1000) }),
]);

const attemptSchema = z.strictObject({
  kind: z.enum(['host', 'server-reflexive', 'peer-reflexive', 'port-mapped', 'relay']),
  /** Null for a relay. */
  endpoint: endpointSchema.nullable(),
  result: z.enum(['answered', 'unanswered']),
  probes: counterSchema,
  /** Of the last answer. */
  rtt_ms: z.number().nonnegative().max(60_000).nullable(),
});
export type PathAttempt = z.infer<typeof attemptSchema>;

export const pathExplanationSchema = z.strictObject({
  path: z.enum(['direct', 'relay', 'none']),
  reason: pathReasonSchema,
  /** As both sides told each other; null if they did not. */
  nats: z.strictObject({ local: natTraitsSchema, remote: natTraitsSchema }).nullable(),
  /** What was tried in the latest search, in that order. */
  attempts: z.array(attemptSchema).max(MAX_ATTEMPTS),
});
export type PathExplanation = z.infer<typeof pathExplanationSchema>;

export const explanationReportSchema = z.strictObject({
  /** The peer at the other end. */
  public_key: publicKeySchema,
  explanation: pathExplanationSchema,
});
export type ExplanationReport = z.infer<typeof explanationReportSchema>;

/** Words are the server's own. */
const shownExplanationSchema = pathExplanationSchema.extend({
  verdict: z.string(),
  remedies: z.array(z.string()),
  nat_words: z.object({ local: z.string(), remote: z.string() }).nullable(),
  reported_at: timeSchema,
});
export type ShownExplanation = z.infer<typeof shownExplanationSchema>;

const linkEndSchema = z.object({
  id: nodeIdSchema,
  hostname: hostnameSchema,
  /** How this end sees its path to the other one; null if it has not said. */
  explanation: shownExplanationSchema.nullable(),
});

export const linkDetailsSchema = z.object({ ends: z.tuple([linkEndSchema, linkEndSchema]) });
export type LinkDetails = z.infer<typeof linkDetailsSchema>;
