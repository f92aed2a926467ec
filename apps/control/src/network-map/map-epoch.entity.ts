// An epoch of the network map, and the sequence at which it began: where the one before it ended.

import { Column, Entity, PrimaryColumn } from 'typeorm';
import { integerColumn } from '../database/integer-column.js';

@Entity('map_epochs')
export class MapEpochEntity {
  @PrimaryColumn({ type: 'bigint', transformer: integerColumn('epoch').transformer! })
  epoch!: number;

  @Column(integerColumn('first_sequence'))
  firstSequence!: number;
}
