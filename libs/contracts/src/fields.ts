// The fields that messages share. Each is checked once at the edge; what passes is in canonical form.

import {
  encodePublicKey,
  formatEndpoint,
  formatIpAddress,
  formatIpPrefix,
  parseEndpoint,
  parseIpAddress,
  parseIpPrefix,
  parsePublicKey,
} from '@shadownet/primitives';
import { z } from 'zod';

/** A node's id: a UUID that the node made for itself. */
export const nodeIdSchema = z.uuid().toLowerCase();

/** Base64 of an X25519 public key that is not of low order. Another spelling of the same key becomes the canonical one. */
export const publicKeySchema = canonicalText('not a WireGuard public key', (text) => {
  const key = parsePublicKey(text);
  return key && encodePublicKey(key);
});

export const ipAddressSchema = canonicalText('not an IP address', (text) => {
  const address = parseIpAddress(text);
  return address && formatIpAddress(address);
});

export const ipPrefixSchema = canonicalText('not an address range in CIDR notation', (text) => {
  const prefix = parseIpPrefix(text);
  return prefix && formatIpPrefix(prefix);
});

/** `1.2.3.4:51820` or `[2001:db8::1]:51820`. */
export const endpointSchema = canonicalText('not an endpoint', (text) => {
  const endpoint = parseEndpoint(text);
  return endpoint && formatEndpoint(endpoint);
});

export const portSchema = z.number().int().min(1).max(0xffff);

/** A DNS name without the trailing dot (RFC 1123): what a host calls itself, safe to print anywhere. */
export const hostnameSchema = z
  .string()
  .max(253)
  .regex(/^(?!-)[A-Za-z0-9_-]{1,63}(\.(?!-)[A-Za-z0-9_-]{1,63})*$/, 'not a host name');

/** Short printable ASCII: an operating system, a version. */
export const labelSchema = z
  .string()
  .max(64)
  .regex(/^[\x20-\x7e]*$/, 'only printable ASCII characters');

/** An instant as RFC 3339 text in UTC, with milliseconds. */
export const timeSchema = z.iso.datetime();

/** Traffic as policies and maps name it: `tcp/22`, `udp/60000-61000`, `icmp`, `*` (libs/policy/src/traffic-set.ts). */
export const trafficListSchema = z.array(z.string().max(32)).max(4096);

export const counterSchema = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);

/** How many candidates a node may announce. */
export const MAX_CANDIDATES = 16;

/** An endpoint at which a node may be reachable, in the words of RFC 8445 §5.1.1. */
export const candidateSchema = z.object({
  kind: z.enum(['host', 'server-reflexive', 'port-mapped']),
  ip: ipAddressSchema,
  port: portSchema,
});
export type CandidateMessage = z.infer<typeof candidateSchema>;

export const candidatesSchema = z.array(candidateSchema).max(MAX_CANDIDATES);

/** Versions order network maps: a higher epoch wins, then a higher sequence. A restore from a backup raises the epoch. */
export const mapVersionSchema = z.object({ epoch: counterSchema, sequence: counterSchema });
export type MapVersion = z.infer<typeof mapVersionSchema>;

/** Text that `canonicalize` can read, as it writes it. */
function canonicalText(refusal: string, canonicalize: (text: string) => string | undefined) {
  return z
    .string()
    .refine((text) => canonicalize(text) !== undefined, { error: refusal, abort: true })
    .overwrite((text) => canonicalize(text)!);
}
