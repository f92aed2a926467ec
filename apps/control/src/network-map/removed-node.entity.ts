// An id that was taken out of the network map, until everybody who may come back has been told.

import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { integerColumn } from '../database/integer-column.js';

@Entity('removed_nodes')
export class RemovedNodeEntity {
  @PrimaryColumn({ type: 'text' })
  id!: string;

  /** The sequence of the map that it was missing from first. */
  @Index('removed_nodes_changed_sequence')
  @Column(integerColumn('changed_sequence'))
  changedSequence!: number;
}
