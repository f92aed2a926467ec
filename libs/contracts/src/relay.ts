// The relays of a network, as nodes are told of them when they register and with each heartbeat.

import { z } from 'zod';
import { labelSchema, portSchema, publicKeySchema } from './fields.js';

/** Unique among the relays of a network. */
export const relayIdSchema = labelSchema.min(1);

export const relaySchema = z.object({
  id: relayIdSchema,
  public_key: publicKeySchema,
  /** Name or address of its UDP socket; null: the host by which the caller reaches the API. */
  host: z.string().min(1).max(253).nullable(),
  /** Null: it has no UDP socket. */
  udp_port: portSchema.nullable(),
  /** ws:// or wss://, or a path at the API's own origin; null: it has none. */
  websocket_url: z.string().max(512).nullable(),
  /** Base64 of the ticket that admits the caller; null where none is needed. */
  ticket: z.base64().max(512).nullable(),
});
export type Relay = z.infer<typeof relaySchema>;

/** None from a server that does not know of relays. */
export const relaysSchema = z.array(relaySchema).max(16).default([]);

/** The relay at which a node waits for what others send to it; absent or null: none. */
export const homeRelaySchema = relayIdSchema.nullable().optional();
