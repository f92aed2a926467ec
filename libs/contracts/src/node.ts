// Nodes as admins manage them: /api/v1/nodes, which viewers may read.

import { z } from 'zod';
import { hostnameSchema, ipAddressSchema, labelSchema, nodeIdSchema, publicKeySchema, timeSchema } from './fields.js';
import { tagsSchema } from './join-key.js';

/**
 * - `member`: talks to the server and to its peers.
 * - `pending`: waits for an admin's approval.
 * - `disabled`: an admin has shut it out; it keeps its address, and may be let in again.
 */
export const nodeStandingSchema = z.enum(['member', 'pending', 'disabled']);
export type NodeStanding = z.infer<typeof nodeStandingSchema>;

export const nodeMessageSchema = z.object({
  id: nodeIdSchema,
  public_key: publicKeySchema,
  hostname: hostnameSchema,
  os: labelSchema,
  version: labelSchema,
  virtual_ip: ipAddressSchema,
  tags: tagsSchema,
  /** Deleted when it has been offline for a while. */
  ephemeral: z.boolean(),
  standing: nodeStandingSchema,
  online: z.boolean(),
  registered_at: timeSchema,
  last_heartbeat: timeSchema,
});
export type NodeMessage = z.infer<typeof nodeMessageSchema>;

export const nodeListSchema = z.object({ nodes: z.array(nodeMessageSchema) });
export type NodeList = z.infer<typeof nodeListSchema>;

/** What is absent stays as it is. */
export const nodeEditSchema = z.strictObject({
  /** All tags that it has from now on. */
  tags: tagsSchema.optional(),
  /** `member` approves a node that is pending, and enables one that is disabled. */
  standing: z.enum(['member', 'disabled']).optional(),
});
export type NodeEdit = z.infer<typeof nodeEditSchema>;
