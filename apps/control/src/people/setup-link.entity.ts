// The link that makes an admin, at most one. Its secret is not here, only its hash.

import { Column, Entity, PrimaryColumn } from 'typeorm';
import { integerColumn } from '../database/integer-column.js';

@Entity('setup_links')
export class SetupLinkEntity {
  @PrimaryColumn({ name: 'secret_hash', type: 'text' })
  secretHash!: string;

  @Column(integerColumn('expires_at'))
  expiresAt!: number;
}
