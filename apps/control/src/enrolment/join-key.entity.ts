// A join key, as far as the server has it: by what is stored here proofs are checked, and none can be made.

import { Column, Entity, PrimaryColumn } from 'typeorm';
import { integerColumn } from '../database/integer-column.js';

@Entity('join_keys')
export class JoinKeyEntity {
  @PrimaryColumn({ type: 'text' })
  id!: string;

  /** Base64 of the Ed25519 public key. */
  @Column({ type: 'text' })
  verifier!: string;

  @Column({ type: 'text' })
  description!: string;

  @Column({ type: 'boolean' })
  reusable!: boolean;

  @Column({ type: 'boolean' })
  ephemeral!: boolean;

  @Column({ type: 'boolean' })
  approval!: boolean;

  @Column({ type: 'simple-json' })
  tags!: string[];

  @Column(integerColumn('created_at'))
  createdAt!: number;

  @Column(integerColumn('expires_at', { nullable: true }))
  expiresAt!: number | null;

  @Column(integerColumn('revoked_at', { nullable: true }))
  revokedAt!: number | null;

  /** It only grows: a node that is deleted gives no use back. */
  @Column(integerColumn('uses'))
  uses!: number;

  @Column(integerColumn('last_used_at', { nullable: true }))
  lastUsedAt!: number | null;
}
