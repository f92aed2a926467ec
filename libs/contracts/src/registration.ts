// POST /api/v1/register: a node makes itself known, or comes back. The same key gets the same address again.

import { z } from 'zod';
import {
  candidatesSchema,
  counterSchema,
  hostnameSchema,
  ipAddressSchema,
  ipPrefixSchema,
  labelSchema,
  mapVersionSchema,
  nodeIdSchema,
  portSchema,
  publicKeySchema,
  timeSchema,
} from './fields.js';
import { joinProofSchema } from './join-key.js';
import { homeRelaySchema, relaysSchema } from './relay.js';

/** Where STUN saw the node from; both null while no STUN server has answered. */
export const reflexiveFields = {
  endpoint_ip: ipAddressSchema.nullable(),
  endpoint_port: portSchema.nullable(),
};

export const registerRequestSchema = z
  .object({
    id: nodeIdSchema,
    public_key: publicKeySchema,
    ...reflexiveFields,
    hostname: hostnameSchema,
    os: labelSchema,
    version: labelSchema,
    candidates: candidatesSchema,
    home_relay: homeRelaySchema,
    /** Of a key that is no node yet; that of a node is not looked at. */
    join: joinProofSchema.optional(),
  })
  .refine(hasWholeEndpoint, { path: ['endpoint_port'], message: 'endpoint_ip and endpoint_port go together' });
export type RegisterRequest = z.infer<typeof registerRequestSchema>;

export const registerResponseSchema = z.object({
  success: z.literal(true),
  peer_id: nodeIdSchema,
  assigned_ip: ipAddressSchema,
  network_cidr: ipPrefixSchema,
  server_public_key: publicKeySchema,
  stun_host: z.string().max(253).nullable(),
  stun_ports: z.array(portSchema).max(8),
  relays: relaysSchema,
  heartbeat_interval_ms: counterSchema,
  poll_interval_ms: counterSchema,
  map_version: mapVersionSchema,
  server_time: timeSchema,
});
export type RegisterResponse = z.infer<typeof registerResponseSchema>;

/** True if the reflexive endpoint is there as a whole or not at all. */
export function hasWholeEndpoint(message: { endpoint_ip: string | null; endpoint_port: number | null }): boolean {
  return (message.endpoint_ip === null) === (message.endpoint_port === null);
}
