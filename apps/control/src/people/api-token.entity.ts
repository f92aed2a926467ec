// A token for programs. The token is not here, only its hash.

import type { Role } from '@shadownet/contracts';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { integerColumn } from '../database/integer-column.js';

@Entity('api_tokens')
export class ApiTokenEntity {
  @PrimaryColumn({ type: 'text' })
  id!: string;

  @Column({ type: 'text', unique: true })
  name!: string;

  @Column({ type: 'text' })
  role!: Role;

  @Column({ name: 'secret_hash', type: 'text', unique: true })
  secretHash!: string;

  @Column(integerColumn('created_at'))
  createdAt!: number;

  @Column({ name: 'created_by', type: 'text' })
  createdBy!: string;

  @Column(integerColumn('expires_at'))
  expiresAt!: number;

  /** To the minute. */
  @Column(integerColumn('last_used_at', { nullable: true }))
  lastUsedAt!: number | null;
}
