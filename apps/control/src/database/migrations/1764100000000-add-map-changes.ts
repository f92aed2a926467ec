// The change log of the network map, kept compact: each node's last change, and the ids that are gone. Of the versions that
// nodes may come back with, map_epochs tells which are of this database's own past.

import { type MigrationInterface, type QueryRunner, Table, TableColumn, TableIndex } from 'typeorm';

const integer = (name: string, more = {}) => ({ name, type: 'bigint', ...more });

export class AddMapChanges1764100000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.addColumn('nodes', new TableColumn(integer('changed_sequence', { default: 0 })));
    await runner.createIndex(
      'nodes',
      new TableIndex({ name: 'nodes_changed_sequence', columnNames: ['changed_sequence'] }),
    );
    await runner.createTable(
      new Table({
        name: 'removed_nodes',
        columns: [{ name: 'id', type: 'text', isPrimary: true }, integer('changed_sequence')],
        indices: [{ name: 'removed_nodes_changed_sequence', columnNames: ['changed_sequence'] }],
      }),
    );
    await runner.createTable(
      new Table({
        name: 'map_epochs',
        columns: [integer('epoch', { isPrimary: true }), integer('first_sequence')],
      }),
    );
    await runner.addColumn('network_state', new TableColumn(integer('oldest_sequence', { default: 0 })));
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropColumn('network_state', 'oldest_sequence');
    await runner.dropTable('map_epochs');
    await runner.dropTable('removed_nodes');
    await runner.dropIndex('nodes', 'nodes_changed_sequence');
    await runner.dropColumn('nodes', 'changed_sequence');
  }
}
