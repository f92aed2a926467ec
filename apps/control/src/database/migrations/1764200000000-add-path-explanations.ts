// Why the path of a link is what it is, as each end reported it last.

import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';

export class AddPathExplanations1764200000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const node = { referencedTableName: 'nodes', referencedColumnNames: ['public_key'], onDelete: 'CASCADE' };
    await runner.createTable(
      new Table({
        name: 'path_explanations',
        columns: [
          { name: 'from_key', type: 'text', isPrimary: true },
          { name: 'to_key', type: 'text', isPrimary: true },
          { name: 'explanation', type: 'text' },
          { name: 'reported_at', type: 'bigint' },
        ],
        foreignKeys: [
          { name: 'path_explanations_from_key_node', columnNames: ['from_key'], ...node },
          { name: 'path_explanations_to_key_node', columnNames: ['to_key'], ...node },
        ],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('path_explanations');
  }
}
