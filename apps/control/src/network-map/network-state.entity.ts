// The version of the network map: one row.

import { Column, Entity, PrimaryColumn } from 'typeorm';
import { integerColumn } from '../database/integer-column.js';

@Entity('network_state')
export class NetworkStateEntity {
  /** Always 1. */
  @PrimaryColumn({ type: 'integer' })
  id!: number;

  @Column(integerColumn('epoch'))
  epoch!: number;

  @Column(integerColumn('sequence'))
  sequence!: number;

  /** What was removed before this sequence is forgotten. */
  @Column(integerColumn('oldest_sequence', { default: 0 }))
  oldestSequence!: number;
}
