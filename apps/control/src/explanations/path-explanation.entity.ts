// Why the path of a link is what it is, as its near end reported it last.

import type { PathExplanation } from '@shadownet/contracts';
import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import { integerColumn } from '../database/integer-column.js';
import { NodeEntity } from '../nodes/node.entity.js';

@Entity('path_explanations')
export class PathExplanationEntity {
  /** Public key of the node that reported. */
  @PrimaryColumn({ name: 'from_key', type: 'text' })
  @ForeignKey(() => NodeEntity, { name: 'path_explanations_from_key_node', onDelete: 'CASCADE' })
  fromKey!: string;

  @PrimaryColumn({ name: 'to_key', type: 'text' })
  @ForeignKey(() => NodeEntity, { name: 'path_explanations_to_key_node', onDelete: 'CASCADE' })
  toKey!: string;

  @Column({ type: 'simple-json' })
  explanation!: PathExplanation;

  @Column(integerColumn('reported_at'))
  reportedAt!: number;
}
