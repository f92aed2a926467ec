// Errors of the API: problem+json (RFC 9457) with a stable code beside the title. docs/control-plane-api.md lists the codes.

import { z } from 'zod';

export const problemCodes = [
  'invalid-body',
  'body-too-large',
  'unsupported-media-type',
  'signature-missing',
  'signature-invalid',
  'signature-expired',
  'sign-in-required',
  'wrong-credentials',
  'forbidden',
  'cross-site',
  'setup-link-invalid',
  'name-taken',
  'last-admin',
  'nonce-replayed',
  'wrong-key',
  'unknown-peer',
  'join-key-required',
  'join-key-refused',
  'approval-pending',
  'node-disabled',
  'id-taken',
  'address-pool-full',
  'policy-invalid',
  'version-required',
  'version-conflict',
  'ambiguous-name',
  'host-not-allowed',
  'not-found',
  'rate-limited',
  'unavailable',
  'internal-error',
] as const;
export type ProblemCode = (typeof problemCodes)[number];

export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  code: z.enum(problemCodes),
  detail: z.string().optional(),
  /** With `invalid-body` and `policy-invalid`: which field, and what is wrong with it. */
  errors: z
    .array(
      z.object({
        field: z.string(),
        message: z.string(),
        /** Of a policy: the kind of problem, and what was probably meant. */
        code: z.string().optional(),
        suggestion: z.string().optional(),
      }),
    )
    .optional(),
  /** With `signature-expired`: the server's clock. */
  server_time: z.string().optional(),
});
export type Problem = z.infer<typeof problemSchema>;

/** Bytes of the largest request body. */
export const MAX_BODY_BYTES = 256 * 1024;
