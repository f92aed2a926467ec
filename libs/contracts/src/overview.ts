// GET /api/v1/overview: the mesh as the dashboard shows it.

import { z } from 'zod';
import {
  candidatesSchema,
  counterSchema,
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
import { linkPathSchema, linkStateSchema } from './heartbeat.js';

export const overviewNodeSchema = z.object({
  id: nodeIdSchema,
  public_key: publicKeySchema,
  hostname: hostnameSchema,
  os: labelSchema,
  version: labelSchema,
  virtual_ip: ipAddressSchema,
  endpoint: endpointSchema.nullable(),
  candidates: candidatesSchema,
  online: z.boolean(),
  registered_at: timeSchema,
  last_heartbeat: timeSchema.nullable(),
});
export type OverviewNode = z.infer<typeof overviewNodeSchema>;

/** One direction of a link, as the node `from` reported it. */
export const overviewLinkSchema = z.object({
  from: nodeIdSchema,
  to: nodeIdSchema,
  path: linkPathSchema,
  state: linkStateSchema,
  endpoint: endpointSchema.nullable(),
  rtt_ms: z.number().nonnegative().nullable(),
  last_handshake: timeSchema.nullable(),
  rx_bytes: counterSchema,
  tx_bytes: counterSchema,
  reported_at: timeSchema,
});
export type OverviewLink = z.infer<typeof overviewLinkSchema>;

export const overviewSchema = z.object({
  network: z.object({
    cidr: ipPrefixSchema,
    server_public_key: publicKeySchema,
    version: labelSchema,
    map_version: mapVersionSchema,
  }),
  /** The server's clock: ages are computed against it, not against the browser's. */
  server_time: timeSchema,
  nodes: z.array(overviewNodeSchema),
  links: z.array(overviewLinkSchema),
});
export type Overview = z.infer<typeof overviewSchema>;
