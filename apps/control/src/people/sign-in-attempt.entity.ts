// How often a name was guessed at, or a source guessed.

import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { integerColumn } from '../database/integer-column.js';

@Entity('sign_in_attempts')
export class SignInAttemptEntity {
  /** `name:` and a hash of it, or `source:` and the network. */
  @PrimaryColumn({ type: 'text' })
  subject!: string;

  /** Since the last success. */
  @Column({ type: 'integer' })
  failures!: number;

  @Column(integerColumn('blocked_until'))
  blockedUntil!: number;

  @Index('sign_in_attempts_last_at')
  @Column(integerColumn('last_at'))
  lastAt!: number;
}
