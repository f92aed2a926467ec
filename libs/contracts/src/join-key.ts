// Join keys: how a node shows that it may become a member. A join key is a name and the seed of an Ed25519 key (RFC 8032). Its
// holder signs whose node may join which server; the server keeps the public key only, by which it can check that and not
// do it (docs/security.md). The routes /api/v1/join-keys are for admins.

import { concatBytes, decodeHex, encodeHex, encodeUtf8, type PublicKey, Secret } from '@shadownet/primitives';
import { z } from 'zod';
import { timeSchema } from './fields.js';

export interface JoinKey {
  /** Names the key; no secret. */
  readonly id: string;
  /** 32 bytes: the Ed25519 seed. */
  readonly seed: Secret;
}

const JOIN_KEY_SEED_BYTES = 32;
const ID_BYTES = 8;
const TEXT = /^snjoin-([0-9a-f]{16})-([0-9a-f]{64})$/;
const PROOF_LABEL = 'shadownet join v1';

/** `snjoin-ID-SEED`, both in hexadecimal; undefined if the text is no join key. */
export function parseJoinKey(text: string): JoinKey | undefined {
  const [, id, seed] = TEXT.exec(text) ?? [];
  return id === undefined ? undefined : { id, seed: Secret.own(decodeHex(seed!)!) };
}

/** The text of which `parseJoinKey` makes the key: a secret. */
export function formatJoinKey({ id, seed }: JoinKey): string {
  return `snjoin-${id}-${encodeHex(seed.expose())}`;
}

/** `random` gives so many fresh bytes. */
export function createJoinKey(random: (length: number) => Uint8Array): JoinKey {
  return { id: encodeHex(random(ID_BYTES)), seed: Secret.own(random(JOIN_KEY_SEED_BYTES)) };
}

/** What the join key signs: label ‖ 0 ‖ server ‖ node. It is worth nothing to another node, nor at another server. */
export function joinProofMessage(node: PublicKey, server: PublicKey): Uint8Array {
  return concatBytes(encodeUtf8(PROOF_LABEL), Uint8Array.of(0), server, node);
}

const keyIdSchema = z.string().regex(/^[0-9a-f]{16}$/, 'not the id of a join key');

/** Part of a registration. */
export const joinProofSchema = z.object({
  key_id: keyIdSchema,
  /** Base64 of the 64-byte signature over `joinProofMessage`. */
  signature: z.string().max(88),
});
export type JoinProof = z.infer<typeof joinProofSchema>;

/** The name of a tag, as policies use it. */
export const tagSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'a tag is small letters, digits and dashes');
export const tagsSchema = z
  .array(tagSchema)
  .max(32)
  .overwrite((tags) => [...new Set(tags)].sort());

const MAX_LIFETIME_S = 10 * 365 * 86_400;

export const createJoinKeyRequestSchema = z.object({
  /** For people. */
  description: z
    .string()
    .max(200)
    .regex(/^[^\p{Cc}]*$/u, 'no control characters')
    .default(''),
  /** False: one node may join by it. */
  reusable: z.boolean().default(false),
  /** Nodes that joined by it are deleted when they have been offline for a while. */
  ephemeral: z.boolean().default(false),
  /** Nodes that join by it wait until an admin approves them. */
  approval: z.boolean().default(false),
  /** What nodes that join by it are tagged with. */
  tags: tagsSchema.default([]),
  /** Null: never. */
  expires_in_s: z.number().int().min(1).max(MAX_LIFETIME_S).nullable().default(86_400),
});
export type CreateJoinKeyRequest = z.infer<typeof createJoinKeyRequestSchema>;

export const joinKeyMessageSchema = z.object({
  id: keyIdSchema,
  description: z.string(),
  reusable: z.boolean(),
  ephemeral: z.boolean(),
  approval: z.boolean(),
  tags: tagsSchema,
  state: z.enum(['usable', 'spent', 'expired', 'revoked']),
  created_at: timeSchema,
  expires_at: timeSchema.nullable(),
  /** How many nodes have joined by it. */
  uses: z.number().int().nonnegative(),
  last_used_at: timeSchema.nullable(),
});
export type JoinKeyMessage = z.infer<typeof joinKeyMessageSchema>;

export const createJoinKeyResponseSchema = z.object({
  /** The key itself: this answer is the only time that it is shown. */
  join_key: z.string(),
  created: joinKeyMessageSchema,
});
export type CreateJoinKeyResponse = z.infer<typeof createJoinKeyResponseSchema>;

export const joinKeyListSchema = z.object({ join_keys: z.array(joinKeyMessageSchema) });
export type JoinKeyList = z.infer<typeof joinKeyListSchema>;
