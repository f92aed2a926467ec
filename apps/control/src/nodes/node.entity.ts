// A registered node. Its public key is its identity; id and address belong to the key.

import type { CandidateMessage, NodeStanding } from '@shadownet/contracts';
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { integerColumn } from '../database/integer-column.js';

@Entity('nodes')
export class NodeEntity {
  /** Canonical base64. */
  @PrimaryColumn({ name: 'public_key', type: 'text' })
  publicKey!: string;

  @Column({ type: 'text', unique: true })
  id!: string;

  /** The virtual IPv4 address as an unsigned number. */
  @Column(integerColumn('address', { unique: true }))
  address!: number;

  @Column({ type: 'text' })
  hostname!: string;

  @Column({ type: 'text' })
  os!: string;

  @Column({ type: 'text' })
  version!: string;

  /** Where STUN saw the node from. */
  @Column({ type: 'text', nullable: true })
  endpoint!: string | null;

  @Column({ type: 'simple-json' })
  candidates!: CandidateMessage[];

  /** The id of the relay that it waits at. */
  @Column({ name: 'home_relay', type: 'text', nullable: true })
  homeRelay!: string | null;

  /** What policies call it; in alphabetical order. */
  @Column({ type: 'simple-json', default: '[]' })
  tags!: string[];

  /** Deleted when it has been offline for a while. */
  @Column({ type: 'boolean', default: () => 'false' })
  ephemeral!: boolean;

  /** Who is no member sees nobody and is seen by nobody. */
  @Column({ type: 'text', default: 'member' })
  standing!: NodeStanding;

  @Column({ type: 'boolean' })
  online!: boolean;

  @Column(integerColumn('registered_at'))
  registeredAt!: number;

  /** The last registration or heartbeat. */
  @Column(integerColumn('last_heartbeat_at'))
  lastHeartbeatAt!: number;

  /** The sequence of the network map at its last change. Written by NodeChanges alone. */
  @Index('nodes_changed_sequence')
  @Column(integerColumn('changed_sequence', { default: 0 }))
  changedSequence!: number;
}
