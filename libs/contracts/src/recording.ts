// What `shadownet-node status --explain PEER --export FILE` writes: why a path is what it is, and the recording that this was found
// from. No server sends or takes it; `shadownet-node replay` reads it. Its form is that of timeline.ts in libs/paths, in bounds.

import { z } from 'zod';
import { endpointSchema, hostnameSchema, labelSchema, publicKeySchema, timeSchema } from './fields.js';

/** Entries that a recording has at most. */
export const MAX_RECORDED_ENTRIES = 256;
/** Bytes that a file with one may have: 256 lists of 16 candidates of 100 bytes, and as much for space between them. */
export const MAX_RECORDING_FILE_BYTES = 1024 * 1024;

/** Milliseconds since the recording began: ten years at most. */
const momentSchema = z
  .number()
  .nonnegative()
  .max(10 * 366 * 86_400_000);
const countSchema = z.number().int().nonnegative().max(1e9);

const pathSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('relay') }),
  z.strictObject({ kind: z.literal('udp'), socket: z.number().int().min(0).max(0xffff), remote: endpointSchema }),
]);

export const natTraitsSchema = z.strictObject({
  mapping: z.enum(['endpoint-independent', 'endpoint-dependent', 'unknown']),
  allocation: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.enum(['preserving', 'random', 'unknown']) }),
    z.strictObject({ kind: z.literal('sequential'), step: z.number().int().min(-0xffff).max(0xffff) }),
  ]),
});

export const lossReasonSchema = z.enum([
  'keepalive-unanswered',
  'data-unanswered',
  'data-stopped',
  'peer-moved',
  'check-requested',
  'peer-searches',
  'full-size-lost',
  'idle',
  'relay-gone',
]);

const candidateKindSchema = z.enum(['host', 'server-reflexive', 'peer-reflexive', 'port-mapped']);

const entrySchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('relay'), at: momentSchema, isThere: z.boolean() }),
  z.strictObject({
    kind: z.literal('candidates'),
    at: momentSchema,
    source: z.enum(['map', 'call']),
    candidates: z.array(z.strictObject({ kind: candidateKindSchema, endpoint: endpointSchema })).max(64),
  }),
  z.strictObject({ kind: z.literal('nats'), at: momentSchema, local: natTraitsSchema, remote: natTraitsSchema }),
  z.strictObject({ kind: z.literal('command'), at: momentSchema, command: z.enum(['start', 'stop', 'traffic']) }),
  z.strictObject({
    kind: z.literal('search'),
    at: momentSchema,
    reason: z.enum(['started', 'path-lost', 'retry', 'new-candidates', 'sign-of-life', 'traffic', 'called']),
  }),
  z.strictObject({ kind: z.literal('heard'), at: momentSchema, path: pathSchema }),
  z.strictObject({
    kind: z.literal('probes'),
    at: momentSchema,
    path: pathSchema,
    sent: countSchema,
    answered: countSchema,
    firstAnswered: countSchema,
    rtt: z.number().nonnegative().max(60_000).nullable(),
    lastAnsweredAt: momentSchema.nullable(),
  }),
  z.strictObject({ kind: z.literal('data'), at: momentSchema, until: momentSchema }),
  z.strictObject({ kind: z.literal('guessing'), at: momentSchema, role: z.enum(['easy', 'hard']) }),
  z.strictObject({
    kind: z.literal('selected'),
    at: momentSchema,
    path: pathSchema,
    rtt: z.number().nonnegative().max(60_000).nullable(),
  }),
  z.strictObject({
    kind: z.literal('lost'),
    at: momentSchema,
    path: pathSchema,
    reason: lossReasonSchema,
  }),
]);

export const recordingSchema = z.strictObject({
  version: z.literal(1),
  dropped: countSchema,
  entries: z.array(entrySchema).max(MAX_RECORDED_ENTRIES),
  current: pathSchema.nullable(),
});
export type RecordingMessage = z.infer<typeof recordingSchema>;

export const exportedRecordingSchema = z.object({
  version: labelSchema,
  time: timeSchema,
  /** The peer's. */
  hostname: hostnameSchema,
  public_key: publicKeySchema,
  recording: recordingSchema,
});
export type ExportedRecording = z.infer<typeof exportedRecordingSchema>;
