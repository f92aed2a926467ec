// A key whose node an admin has deleted: it joins again only by a join key that was made since.

import { Column, Entity, PrimaryColumn } from 'typeorm';
import { integerColumn } from '../database/integer-column.js';

@Entity('deleted_nodes')
export class DeletedNodeEntity {
  @PrimaryColumn({ name: 'public_key', type: 'text' })
  publicKey!: string;

  @Column(integerColumn('deleted_at'))
  deletedAt!: number;
}
