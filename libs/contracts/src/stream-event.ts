// GET /api/v1/events: server-sent events to one node. Each event is signed and numbered on its own, because the response's
// signature cannot cover a body that never ends.
//
//   id: 1763600000.42          the version of the map after it: what Last-Event-ID names to resume
//   event: message
//   data: {"sequence":3,"type":"delta","payload":"{…}","signature":"…base64…"}

import { z } from 'zod';
import { callEventSchema } from './call.js';
import { counterSchema, mapVersionSchema } from './fields.js';
import { mapDeltaSchema, networkMapSchema } from './network-map.js';

/** What travels in `data:`. The signature covers the request's nonce, sequence, type and payload text. */
export const streamEnvelopeSchema = z.object({
  /** 0, 1, 2… within one stream: a gap or a repeat ends the stream. */
  sequence: counterSchema,
  type: z.string().max(64),
  payload: z.string(),
  signature: z.string().max(64),
});
export type StreamEnvelope = z.infer<typeof streamEnvelopeSchema>;

/** The event within the envelope: `type` beside the parsed `payload`. */
export const streamEventSchema = z.discriminatedUnion('type', [
  /** The whole map: the first event of a stream, unless that resumes an older one. */
  z.object({ type: z.literal('map'), payload: networkMapSchema }),
  /** What changed since; the first event of a stream that resumes. */
  z.object({ type: z.literal('delta'), payload: mapDeltaSchema }),
  /** The peer of that key asks to be searched for now; whether it is genuine is for the receiver to see. */
  z.object({ type: z.literal('call'), payload: callEventSchema }),
  /** Somebody opened or left the dashboard: heartbeats come at this interval from now on. */
  z.object({ type: z.literal('heartbeat-interval'), payload: z.object({ heartbeat_interval_ms: counterSchema }) }),
  /** The stream is alive, and has told all that matters to this node up to this version. Sent every STREAM_KEEPALIVE_MS. */
  z.object({ type: z.literal('keepalive'), payload: z.object({ map_version: mapVersionSchema }) }),
]);
export type StreamEvent = z.infer<typeof streamEventSchema>;

/** The server sends an event at least this often; a node that hears nothing for twice as long reconnects. */
export const STREAM_KEEPALIVE_MS = 10_000;
