// GET /api/v1/peers and the events of the stream: all that a node needs to know of the others, whole or as the difference to
// an older version. Offline is a flag, never a removal.

import { z } from 'zod';
import {
  candidatesSchema,
  endpointSchema,
  hostnameSchema,
  ipAddressSchema,
  ipPrefixSchema,
  labelSchema,
  type MapVersion,
  mapVersionSchema,
  nodeIdSchema,
  publicKeySchema,
  timeSchema,
  trafficListSchema,
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
  /** What the peer may open towards this node; absent: everything. The receiving node enforces it. */
  inbound: trafficListSchema.optional(),
  /** What this node may open towards the peer; absent: everything. Of the two at least one is not empty. */
  outbound: trafficListSchema.optional(),
});
export type Peer = z.infer<typeof peerSchema>;

export const networkMapSchema = z.object({
  map_version: mapVersionSchema,
  network_cidr: ipPrefixSchema,
  peers: z.array(peerSchema),
});
export type NetworkMap = z.infer<typeof networkMapSchema>;

/** What changed. Applied to the map of version `since`, or of any up to `map_version`, it makes that of `map_version`. */
export const mapDeltaSchema = z.object({
  since: mapVersionSchema,
  map_version: mapVersionSchema,
  network_cidr: ipPrefixSchema,
  /** Ids that are no peers any more, to be taken out before `changed` is put in. */
  removed: z.array(nodeIdSchema),
  /** Peers that are new, or other than they were. */
  changed: z.array(peerSchema),
});
export type MapDelta = z.infer<typeof mapDeltaSchema>;

/** The answer to `?since=`: the difference where the server still knows it, otherwise the whole map. */
export const mapUpdateSchema = z.union([mapDeltaSchema, networkMapSchema]);
export type MapUpdateMessage = z.infer<typeof mapUpdateSchema>;

/** The answer to `?limit=`: peers in the order of their addresses, and where the next page begins (`?after=`), if there is one. */
export const networkMapPageSchema = networkMapSchema.extend({ next: ipAddressSchema.nullable() });
export type NetworkMapPage = z.infer<typeof networkMapPageSchema>;

/** A version in a URL, a header or a file name: `1763600000.42`. */
export function formatMapVersion({ epoch, sequence }: MapVersion): string {
  return `${epoch}.${sequence}`;
}

export function parseMapVersion(text: string): MapVersion | undefined {
  const match = /^(\d{1,15})\.(\d{1,15})$/.exec(text);
  return match ? { epoch: Number(match[1]), sequence: Number(match[2]) } : undefined;
}
