// GET /api/v1/peers: all that a node needs to know of the others. Offline is a flag, never a removal.

import { z } from 'zod';
import {
  candidatesSchema,
  endpointSchema,
  hostnameSchema,
  ipAddressSchema,
  ipPrefixSchema,
  labelSchema,
  mapVersionSchema,
  nodeIdSchema,
  publicKeySchema,
  timeSchema,
} from './fields.js';
import { homeRelaySchema } from './relay.js';

export const peerSchema = z.object({
  id: nodeIdSchema,
  public_key: publicKeySchema,
  virtual_ip: ipAddressSchema,
  /** The reflexive endpoint that the peer announced last. */
  endpoint: endpointSchema.nullable(),
  candidates: candidatesSchema,
  home_relay: homeRelaySchema,
  hostname: hostnameSchema,
  os: labelSchema,
  allowed_ips: z.array(ipPrefixSchema).max(64),
  online: z.boolean(),
  last_heartbeat: timeSchema.nullable(),
});
export type Peer = z.infer<typeof peerSchema>;

export const networkMapSchema = z.object({
  map_version: mapVersionSchema,
  network_cidr: ipPrefixSchema,
  peers: z.array(peerSchema),
});
export type NetworkMap = z.infer<typeof networkMapSchema>;
