// A version of the policy, as it was accepted. The newest is in force; rows are only added, and the oldest removed.

import { Column, Entity, PrimaryColumn } from 'typeorm';
import { integerColumn } from '../database/integer-column.js';

@Entity('policy_versions')
export class PolicyVersionEntity {
  /** 1, 2, 3… */
  @PrimaryColumn({ type: 'integer' })
  version!: number;

  @Column(integerColumn('at'))
  at!: number;

  @Column({ type: 'text' })
  actor!: string;

  @Column({ type: 'text' })
  comment!: string;

  /** Canonical JSON. */
  @Column({ type: 'text' })
  document!: string;
}
