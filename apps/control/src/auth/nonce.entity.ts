// A nonce that a node has used. Kept until no request that carries it can be fresh any more.

import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { integerColumn } from '../database/integer-column.js';

@Entity('nonces')
export class NonceEntity {
  @PrimaryColumn({ name: 'public_key', type: 'text' })
  publicKey!: string;

  @PrimaryColumn({ type: 'text' })
  nonce!: string;

  @Index('nonces_expires_at')
  @Column(integerColumn('expires_at'))
  expiresAt!: number;
}
