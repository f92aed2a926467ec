// POST /api/v1/heartbeat: a node is alive, where it is, and how its links do. POST /api/v1/goodbye: it stops on purpose.

import { z } from 'zod';
import {
  candidatesSchema,
  counterSchema,
  endpointSchema,
  mapVersionSchema,
  nodeIdSchema,
  publicKeySchema,
  timeSchema,
} from './fields.js';
import { hasWholeEndpoint, reflexiveFields } from './registration.js';
import { explanationReportSchema, MAX_EXPLANATIONS } from './path-explanation.js';
import { homeRelaySchema, relaysSchema } from './relay.js';

/** How packets reach a peer: over the internet, within the same local network, or not (yet). */
export const linkPathSchema = z.enum(['direct', 'lan', 'relay', 'none']);
export type LinkPath = z.infer<typeof linkPathSchema>;

/** What the path agent is doing about a peer. */
export const linkStateSchema = z.enum(['idle', 'searching', 'connected', 'waiting']);
export type LinkState = z.infer<typeof linkStateSchema>;

export const linkReportSchema = z.object({
  /** The peer at the other end. */
  public_key: publicKeySchema,
  path: linkPathSchema,
  state: linkStateSchema,
  endpoint: endpointSchema.nullable(),
  rtt_ms: z.number().nonnegative().nullable(),
  /** Age of the last completed handshake; an age, so that clocks need not agree. */
  last_handshake_age_ms: counterSchema.nullable(),
  /** WireGuard bytes since the node started. */
  rx_bytes: counterSchema,
  tx_bytes: counterSchema,
});
export type LinkReport = z.infer<typeof linkReportSchema>;

export const heartbeatRequestSchema = z
  .object({
    id: nodeIdSchema,
    ...reflexiveFields,
    candidates: candidatesSchema,
    home_relay: homeRelaySchema,
    /** The links that changed since the last heartbeat that was answered. */
    peers: z.array(linkReportSchema).max(1024),
    /** Of links whose explanation is another one than the server answered to. */
    explanations: z.array(explanationReportSchema).max(MAX_EXPLANATIONS).optional(),
  })
  .refine(hasWholeEndpoint, { path: ['endpoint_port'], message: 'endpoint_ip and endpoint_port go together' });
export type HeartbeatRequest = z.infer<typeof heartbeatRequestSchema>;

export const heartbeatResponseSchema = z.object({
  success: z.literal(true),
  /** When to send the next one: shorter while somebody watches the dashboard. */
  heartbeat_interval_ms: counterSchema,
  /** The newest network map: a node that has an older one missed an event and fetches it. */
  map_version: mapVersionSchema,
  /** With fresh tickets. */
  relays: relaysSchema,
  server_time: timeSchema,
});
export type HeartbeatResponse = z.infer<typeof heartbeatResponseSchema>;

export const goodbyeRequestSchema = z.object({ id: nodeIdSchema });
export type GoodbyeRequest = z.infer<typeof goodbyeRequestSchema>;

export const goodbyeResponseSchema = z.object({ success: z.literal(true) });
export type GoodbyeResponse = z.infer<typeof goodbyeResponseSchema>;
