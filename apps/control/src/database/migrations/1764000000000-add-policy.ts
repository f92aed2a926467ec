// Versions of the policy.

import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';

export class AddPolicy1764000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      new Table({
        name: 'policy_versions',
        columns: [
          { name: 'version', type: 'integer', isPrimary: true },
          { name: 'at', type: 'bigint' },
          { name: 'actor', type: 'text' },
          { name: 'comment', type: 'text' },
          { name: 'document', type: 'text' },
        ],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('policy_versions');
  }
}
