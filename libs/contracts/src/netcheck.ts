// What `shadownet-node netcheck --json` prints: a host's network in the words of RFC 4787. No server sends or takes it; people
// and programs do, among them those that predict how two hosts will connect.

import { z } from 'zod';
import { endpointSchema, ipAddressSchema, labelSchema, timeSchema } from './fields.js';
import { relayIdSchema } from './relay.js';

/** On what of the remote end something depends. Not tested against two addresses, it may depend on the address, too. */
const dependenceSchema = z.object({
  dependence: z.enum(['endpoint-independent', 'address-dependent', 'address-and-port-dependent']),
  address_dependence: z.enum(['tested', 'not-tested']),
});

const lifetimeSchema = z.object({
  /** A mapping was still there after a silence of so many seconds. */
  at_least_s: z.number().nonnegative().nullable(),
  /** And gone after so many. */
  below_s: z.number().nonnegative().nullable(),
});

/** Null where it was not tested. */
const natSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('udp-blocked') }),
  z.object({
    kind: z.literal('no-nat'),
    endpoint: endpointSchema,
    filtering: dependenceSchema.nullable(),
    lifetime: lifetimeSchema.nullable(),
  }),
  z.object({
    kind: z.literal('nat'),
    endpoint: endpointSchema,
    mapping: dependenceSchema.nullable(),
    filtering: dependenceSchema.nullable(),
    port_preservation: z.boolean(),
    /** Which port a further mapping gets; `step` only for sequential ones. */
    allocation: z.discriminatedUnion('kind', [
      z.object({ kind: z.enum(['preserving', 'random', 'unknown']) }),
      z.object({ kind: z.literal('sequential'), step: z.number().int() }),
    ]),
    pooling: z.enum(['paired', 'arbitrary']),
    hairpin: z.enum(['works', 'does-not-work']).nullable(),
    lifetime: lifetimeSchema.nullable(),
  }),
]);
export type NatMessage = z.infer<typeof natSchema>;

/** One of the two IP versions. */
const familySchema = z.discriminatedUnion('result', [
  z.object({ result: z.literal('not-tested'), reason: z.enum(['no-address', 'no-server']) }),
  z.object({
    result: z.literal('tested'),
    nat: natSchema,
    /** What that means for connecting, in one sentence. */
    meaning: z.string(),
  }),
]);
export type NetcheckFamily = z.infer<typeof familySchema>;

export const netcheckSchema = z.object({
  version: labelSchema,
  time: timeSchema,
  /** Whether any STUN server answered. */
  udp: z.enum(['works', 'blocked']),
  ipv4: familySchema,
  ipv6: familySchema,
  /** The protocols by which a router offers to forward a port. */
  port_mapping: z.array(
    z.object({
      protocol: z.enum(['pcp', 'nat-pmp', 'upnp-igd']),
      gateway: ipAddressSchema,
      /** Null where the router does not say. */
      external_address: ipAddressSchema.nullable(),
    }),
  ),
  stun_servers: z.array(
    z.object({
      server: endpointSchema,
      /** Null if it did not answer. */
      rtt_ms: z.number().nonnegative().nullable(),
      mapped: endpointSchema.nullable(),
    }),
  ),
  /** The control server's, each with the shortest of some round trips; none if no control server was asked. */
  relays: z
    .array(
      z.object({
        id: relayIdSchema,
        /** One of each address family; null if it did not answer. */
        udp: z.array(z.object({ endpoint: endpointSchema, rtt_ms: z.number().nonnegative().nullable() })).max(2),
        /** Null where it has none. */
        websocket: z.object({ url: z.string().max(512), rtt_ms: z.number().nonnegative().nullable() }).nullable(),
      }),
    )
    .max(16)
    .default([]),
  /** The one of them that answered soonest, by UDP if any answers so; null if none does. */
  nearest_relay: relayIdSchema.nullable().default(null),
});
export type Netcheck = z.infer<typeof netcheckSchema>;
export type NetcheckRelay = Netcheck['relays'][number];
