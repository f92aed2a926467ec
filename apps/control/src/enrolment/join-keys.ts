// Join keys: made, listed and revoked by admins, redeemed by nodes that register for the first time.

import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import {
  createJoinKey,
  formatJoinKey,
  type CreateJoinKeyRequest,
  type CreateJoinKeyResponse,
  type JoinKeyList,
  type JoinKeyMessage,
  type JoinProof,
  joinProofMessage,
} from '@shadownet/contracts';
import { Ed25519Signer, Ed25519Verifier } from '@shadownet/crypto';
import { assertNever, decodeBase64, encodeBase64, parsePublicKey, type PublicKeyText } from '@shadownet/primitives';
import type { EntityManager } from 'typeorm';
import { AuditLog } from '../audit/audit-log.js';
import { type Clock, CLOCK, formatTime } from '../clock.js';
import { WriteQueue } from '../database/write-queue.js';
import { ApiError } from '../http/api-error.js';
import { ServerIdentity } from '../identity/server-identity.js';
import type { DeletedNodeEntity } from './deleted-node.entity.js';
import { JoinKeyEntity } from './join-key.entity.js';

@Injectable()
export class JoinKeys {
  /** Nobody has its seed: what proofs of keys that do not exist are checked by, so that their refusal takes as long. */
  readonly #nobody = encodeBase64(new Ed25519Signer(randomBytes(32)).publicKey);

  constructor(
    private readonly queue: WriteQueue,
    private readonly audit: AuditLog,
    private readonly identity: ServerIdentity,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  create(actor: string, request: CreateJoinKeyRequest): Promise<CreateJoinKeyResponse> {
    const joinKey = createJoinKey((length) => new Uint8Array(randomBytes(length)));
    const { id, seed } = joinKey;
    const verifier = encodeBase64(new Ed25519Signer(seed.expose()).publicKey);
    const text = formatJoinKey(joinKey);
    seed.zero();
    const { expires_in_s: lifetime, ...properties } = request;
    const now = this.clock.wall();
    return this.queue.transaction(async (manager) => {
      const key = manager.create(JoinKeyEntity, {
        ...{ ...properties, id, verifier, createdAt: now, revokedAt: null, uses: 0, lastUsedAt: null },
        expiresAt: lifetime === null ? null : now + lifetime * 1000,
      });
      await manager.insert(JoinKeyEntity, key);
      const created = toMessage(key, now);
      await this.audit.record(manager, { actor, action: 'join-key.create', subject: `join-key:${id}`, after: created });
      return { join_key: text, created };
    });
  }

  /** The newest first. */
  list(): Promise<JoinKeyList> {
    return this.queue.transaction(async (manager) => {
      const keys = await manager.find(JoinKeyEntity, { order: { createdAt: 'DESC', id: 'ASC' } });
      return { join_keys: keys.map((key) => toMessage(key, this.clock.wall())) };
    });
  }

  /** Nodes that have joined by it stay. Throws ApiError `not-found`. */
  revoke(actor: string, id: string): Promise<JoinKeyMessage> {
    return this.queue.transaction(async (manager) => {
      const key = await manager.findOneBy(JoinKeyEntity, { id });
      if (!key) throw new ApiError('not-found', 'There is no join key of this id.');
      const now = this.clock.wall();
      const before = toMessage(key, now);
      if (key.revokedAt !== null) return before;
      await manager.update(JoinKeyEntity, { id }, { revokedAt: now });
      const after = toMessage(manager.create(JoinKeyEntity, { ...key, revokedAt: now }), now);
      const subject = `join-key:${id}`;
      await this.audit.record(manager, { actor, action: 'join-key.revoke', subject, before, after });
      return after;
    });
  }

  /**
   * Takes one use of the key for that node, in the transaction that makes the node. A node that was `deleted` needs a key that was
   * made since: the one that it may still have does not bring it back. Throws ApiError `join-key-refused`: why, hears
   * only who has the key; who guesses hears the same for a key that does not exist and for a wrong proof.
   */
  async redeem(
    manager: EntityManager,
    node: PublicKeyText,
    proof: JoinProof,
    deleted: DeletedNodeEntity | null,
  ): Promise<JoinKeyEntity> {
    const key = await manager.findOneBy(JoinKeyEntity, { id: proof.key_id });
    const message = joinProofMessage(parsePublicKey(node)!, this.identity.publicKey);
    const verifier = new Ed25519Verifier(decodeBase64(key?.verifier ?? this.#nobody)!);
    const isProven = verifier.verify(message, decodeBase64(proof.signature) ?? new Uint8Array(0));
    if (!key || !isProven) throw new ApiError('join-key-refused');

    const now = this.clock.wall();
    const state = stateOf(key, now);
    if (state !== 'usable') throw new ApiError('join-key-refused', refusalOf(state));
    if (deleted && key.createdAt <= deleted.deletedAt) {
      throw new ApiError('join-key-refused', 'This node was deleted after this join key was made: ask for a new one.');
    }
    await manager.update(JoinKeyEntity, { id: key.id }, { uses: key.uses + 1, lastUsedAt: now });
    return key;
  }
}

type State = JoinKeyMessage['state'];

function stateOf({ revokedAt, expiresAt, reusable, uses }: JoinKeyEntity, now: number): State {
  if (revokedAt !== null) return 'revoked';
  if (!reusable && uses > 0) return 'spent';
  return expiresAt !== null && expiresAt <= now ? 'expired' : 'usable';
}

function refusalOf(state: Exclude<State, 'usable'>): string {
  switch (state) {
    case 'revoked':
      return 'This join key was revoked.';
    case 'spent':
      return 'This join key was for one node, which has joined by it.';
    case 'expired':
      return 'This join key has expired.';
    default:
      return assertNever(state);
  }
}

function toMessage(key: JoinKeyEntity, now: number): JoinKeyMessage {
  return {
    id: key.id,
    description: key.description,
    reusable: key.reusable,
    ephemeral: key.ephemeral,
    approval: key.approval,
    tags: key.tags,
    state: stateOf(key, now),
    created_at: formatTime(key.createdAt),
    expires_at: key.expiresAt === null ? null : formatTime(key.expiresAt),
    uses: key.uses,
    last_used_at: key.lastUsedAt === null ? null : formatTime(key.lastUsedAt),
  };
}
