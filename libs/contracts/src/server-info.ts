// GET /api/v1/server: what a node learns before it has a relation to the server. It is not signed (the caller has no key
// to check it with yet): on first contact the node pins `public_key`, and afterwards compares it with the pinned one.

import { z } from 'zod';
import { ipPrefixSchema, labelSchema, portSchema, publicKeySchema, timeSchema } from './fields.js';
import { relaysSchema } from './relay.js';

export const serverInfoSchema = z.object({
  public_key: publicKeySchema,
  version: labelSchema,
  network_cidr: ipPrefixSchema,
  /** Where the server's STUN answers; without a host, at the host by which the caller reaches the API. */
  stun_host: z.string().max(253).nullable(),
  stun_ports: z.array(portSchema).max(8),
  /** Without tickets: for `netcheck`, which measures how far they are. */
  relays: relaysSchema,
  server_time: timeSchema,
});
export type ServerInfo = z.infer<typeof serverInfoSchema>;
