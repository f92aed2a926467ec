// One direction of a link between two nodes, as its near end reported it last.

import type { LinkPath, LinkState } from '@shadownet/contracts';
import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import { integerColumn } from '../database/integer-column.js';
import { NodeEntity } from './node.entity.js';

@Entity('links')
export class LinkEntity {
  /** Public key of the node that reported. */
  @PrimaryColumn({ name: 'from_key', type: 'text' })
  @ForeignKey(() => NodeEntity, { name: 'links_from_key_node', onDelete: 'CASCADE' })
  fromKey!: string;

  @PrimaryColumn({ name: 'to_key', type: 'text' })
  @ForeignKey(() => NodeEntity, { name: 'links_to_key_node', onDelete: 'CASCADE' })
  toKey!: string;

  @Column({ type: 'text' })
  path!: LinkPath;

  @Column({ type: 'text' })
  state!: LinkState;

  @Column({ type: 'text', nullable: true })
  endpoint!: string | null;

  @Column({ name: 'rtt_ms', type: 'float', nullable: true })
  rttMs!: number | null;

  @Column(integerColumn('last_handshake_at', { nullable: true }))
  lastHandshakeAt!: number | null;

  @Column(integerColumn('rx_bytes'))
  rxBytes!: number;

  @Column(integerColumn('tx_bytes'))
  txBytes!: number;

  @Column(integerColumn('reported_at'))
  reportedAt!: number;
}
