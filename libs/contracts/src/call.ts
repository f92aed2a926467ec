// POST /api/v1/calls: "call me maybe" by the control server, for peers that no relay reaches. What is called is a message between
// two nodes, which authenticate it themselves (libs/paths, call.ts); the server hands it on as it is, in an event of the stream.

import { z } from 'zod';
import { publicKeySchema } from './fields.js';

/** Bytes of the longest call: 16 candidates, all of them IPv6, come to 424. */
export const MAX_CALL_BYTES = 512;

/** Base64 of a call. */
const callSchema = z
  .base64()
  .min(4)
  .max(Math.ceil(MAX_CALL_BYTES / 3) * 4);

export const callRequestSchema = z.object({
  /** Whom to call. */
  public_key: publicKeySchema,
  call: callSchema,
});
export type CallRequest = z.infer<typeof callRequestSchema>;

export const callResponseSchema = z.object({
  success: z.literal(true),
  /** False if the peer has no event stream open, does not exist, or is none of the caller's. */
  delivered: z.boolean(),
});
export type CallResponse = z.infer<typeof callResponseSchema>;

/** The payload of the event `call`. */
export const callEventSchema = z.object({ public_key: publicKeySchema, call: callSchema });
