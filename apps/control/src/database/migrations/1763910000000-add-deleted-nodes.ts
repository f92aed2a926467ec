// Keys whose nodes were deleted by an admin.

import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';

export class AddDeletedNodes1763910000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      new Table({
        name: 'deleted_nodes',
        columns: [
          { name: 'public_key', type: 'text', isPrimary: true },
          { name: 'deleted_at', type: 'bigint' },
        ],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('deleted_nodes');
  }
}
