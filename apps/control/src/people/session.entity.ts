// A browser that is signed in. The cookie is not here, only its hash.

import type { Role } from '@shadownet/contracts';
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { integerColumn } from '../database/integer-column.js';

@Entity('sessions')
export class SessionEntity {
  @PrimaryColumn({ name: 'secret_hash', type: 'text' })
  secretHash!: string;

  /** The local account; null for who signed in by OIDC. */
  @Index('sessions_account')
  @Column({ type: 'text', nullable: true })
  account!: string | null;

  /** What the provider calls who signed in by OIDC. */
  @Column({ name: 'oidc_name', type: 'text', nullable: true })
  oidcName!: string | null;

  /** The role by OIDC; that of an account is the account's. */
  @Column({ name: 'oidc_role', type: 'text', nullable: true })
  oidcRole!: Role | null;

  @Column(integerColumn('created_at'))
  createdAt!: number;

  /** The last request, to the minute. */
  @Column(integerColumn('seen_at'))
  seenAt!: number;
}
