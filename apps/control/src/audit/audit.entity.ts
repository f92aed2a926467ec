// One change of the network's configuration. Rows are only ever added: the database itself refuses anything else.

import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import { integerColumn } from '../database/integer-column.js';

@Entity('audit')
export class AuditEntity {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column(integerColumn('at'))
  at!: number;

  @Column({ type: 'text' })
  actor!: string;

  @Column({ type: 'text' })
  action!: string;

  @Index('audit_subject')
  @Column({ type: 'text' })
  subject!: string;

  /** JSON; null if there was nothing before. */
  @Column({ type: 'text', nullable: true })
  before!: string | null;

  /** JSON; null if there is nothing any more. */
  @Column({ type: 'text', nullable: true })
  after!: string | null;
}
