// Join keys, and what a node has from the one that it joined by. Nodes from before are members without tags.

import { type MigrationInterface, type QueryRunner, Table, TableColumn } from 'typeorm';

const text = (name: string, more = {}) => ({ name, type: 'text', ...more });
const integer = (name: string, more = {}) => ({ name, type: 'bigint', ...more });
const boolean = (name: string, more = {}) => ({ name, type: 'boolean', ...more });
const nullable = { isNullable: true };

const NODE_COLUMNS = [
  text('tags', { default: "'[]'" }),
  boolean('ephemeral', { default: false }),
  text('standing', { default: "'member'" }),
];

export class AddJoinKeys1763900000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      new Table({
        name: 'join_keys',
        columns: [
          text('id', { isPrimary: true }),
          text('verifier'),
          text('description'),
          ...['reusable', 'ephemeral', 'approval'].map((name) => boolean(name)),
          text('tags'),
          integer('created_at'),
          integer('expires_at', nullable),
          integer('revoked_at', nullable),
          integer('uses'),
          integer('last_used_at', nullable),
        ],
      }),
    );
    for (const column of NODE_COLUMNS) await runner.addColumn('nodes', new TableColumn(column));
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const { name } of NODE_COLUMNS) await runner.dropColumn('nodes', name);
    await runner.dropTable('join_keys');
  }
}
