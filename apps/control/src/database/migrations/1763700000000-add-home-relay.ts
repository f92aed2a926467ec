// Where a node waits for what comes by relay: the relay's id, if it has one.

import { type MigrationInterface, type QueryRunner, TableColumn } from 'typeorm';

export class AddHomeRelay1763700000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.addColumn('nodes', new TableColumn({ name: 'home_relay', type: 'text', isNullable: true }));
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropColumn('nodes', 'home_relay');
  }
}
