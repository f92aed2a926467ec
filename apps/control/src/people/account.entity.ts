// A person who signs in with a password kept here.

import type { Role } from '@shadownet/contracts';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { integerColumn } from '../database/integer-column.js';

@Entity('accounts')
export class AccountEntity {
  @PrimaryColumn({ type: 'text' })
  name!: string;

  @Column({ type: 'text' })
  role!: Role;

  /** As PasswordHasher writes it. */
  @Column({ name: 'password_hash', type: 'text' })
  passwordHash!: string;

  @Column(integerColumn('created_at'))
  createdAt!: number;
}
