// The SQLite file. The only place that knows the driver.

import { join } from 'node:path';
import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import sqlite3 from 'sqlite3';
import type { DataSourceOptions } from 'typeorm';
import { AuditEntity } from '../audit/audit.entity.js';
import { NonceEntity } from '../auth/nonce.entity.js';
import { CONFIG, type ControlConfig } from '../config.js';
import { DeletedNodeEntity } from '../enrolment/deleted-node.entity.js';
import { JoinKeyEntity } from '../enrolment/join-key.entity.js';
import { MapEpochEntity } from '../network-map/map-epoch.entity.js';
import { NetworkStateEntity } from '../network-map/network-state.entity.js';
import { RemovedNodeEntity } from '../network-map/removed-node.entity.js';
import { PathExplanationEntity } from '../explanations/path-explanation.entity.js';
import { LinkEntity } from '../nodes/link.entity.js';
import { NodeEntity } from '../nodes/node.entity.js';
import { PolicyVersionEntity } from '../policy/policy-version.entity.js';
import { CreateTables1763600000000 } from './migrations/1763600000000-create-tables.js';
import { AddHomeRelay1763700000000 } from './migrations/1763700000000-add-home-relay.js';
import { AddAudit1763810000000 } from './migrations/1763810000000-add-audit.js';
import { AddPolicy1764000000000 } from './migrations/1764000000000-add-policy.js';
import { AddJoinKeys1763900000000 } from './migrations/1763900000000-add-join-keys.js';
import { AddDeletedNodes1763910000000 } from './migrations/1763910000000-add-deleted-nodes.js';
import { AddMapChanges1764100000000 } from './migrations/1764100000000-add-map-changes.js';
import { AddPeople1763820000000 } from './migrations/1763820000000-add-people.js';
import { AccountEntity } from '../people/account.entity.js';
import { ApiTokenEntity } from '../people/api-token.entity.js';
import { SessionEntity } from '../people/session.entity.js';
import { SetupLinkEntity } from '../people/setup-link.entity.js';
import { SignInAttemptEntity } from '../people/sign-in-attempt.entity.js';
import { AddPathExplanations1764200000000 } from './migrations/1764200000000-add-path-explanations.js';
import { WriteQueue } from './write-queue.js';

export const DATABASE_FILE = 'control.sqlite';
const BUSY_TIMEOUT_MS = 5000;

/** TypeORM asks the driver to be verbose, which costs a stack trace for each statement: a tenth of a heartbeat. */
const quietSqlite = Object.assign(Object.create(sqlite3) as typeof sqlite3, { verbose: () => sqlite3 });

/** SQLite's own default `synchronous = FULL` stays: what was acknowledged survives a power cut too. */
export function databaseOptions(dataDir: string): DataSourceOptions {
  return {
    type: 'sqlite',
    driver: quietSqlite,
    database: join(dataDir, DATABASE_FILE),
    entities: [
      JoinKeyEntity,
      DeletedNodeEntity,
      NodeEntity,
      LinkEntity,
      PathExplanationEntity,
      NonceEntity,
      NetworkStateEntity,
      MapEpochEntity,
      RemovedNodeEntity,
      AuditEntity,
      AccountEntity,
      SessionEntity,
      ApiTokenEntity,
      SetupLinkEntity,
      SignInAttemptEntity,
      PolicyVersionEntity,
    ],
    migrations: [
      CreateTables1763600000000,
      AddHomeRelay1763700000000,
      AddAudit1763810000000,
      AddPeople1763820000000,
      AddPolicy1764000000000,
      AddJoinKeys1763900000000,
      AddDeletedNodes1763910000000,
      AddMapChanges1764100000000,
      AddPathExplanations1764200000000,
    ],
    migrationsRun: true,
    synchronize: false,
    enableWAL: true,
    busyTimeout: BUSY_TIMEOUT_MS,
  };
}

@Global()
@Module({
  imports: [
    TypeOrmModule.forRootAsync({
      inject: [CONFIG],
      useFactory: (config: ControlConfig) => ({ ...databaseOptions(config.dataDir), retryAttempts: 0 }),
    }),
  ],
  providers: [WriteQueue],
  exports: [WriteQueue],
})
export class DatabaseModule {}
