// The first tables. Times are milliseconds since the Unix epoch.

import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';

const text = (name: string, more = {}) => ({ name, type: 'text', ...more });
const integer = (name: string, more = {}) => ({ name, type: 'bigint', ...more });
const nullable = { isNullable: true };
const primary = { isPrimary: true };

export class CreateTables1763600000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      new Table({
        name: 'nodes',
        columns: [
          text('public_key', primary),
          text('id'),
          integer('address'),
          text('hostname'),
          text('os'),
          text('version'),
          text('endpoint', nullable),
          text('candidates'),
          { name: 'online', type: 'boolean' },
          integer('registered_at'),
          integer('last_heartbeat_at'),
        ],
        uniques: [
          { name: 'nodes_id_unique', columnNames: ['id'] },
          { name: 'nodes_address_unique', columnNames: ['address'] },
        ],
      }),
    );
    await runner.createTable(
      new Table({
        name: 'links',
        columns: [
          text('from_key', primary),
          text('to_key', primary),
          text('path'),
          text('state'),
          text('endpoint', nullable),
          { name: 'rtt_ms', type: 'float', isNullable: true },
          integer('last_handshake_at', nullable),
          integer('rx_bytes'),
          integer('tx_bytes'),
          integer('reported_at'),
        ],
        foreignKeys: ['from_key', 'to_key'].map((column) => ({
          name: `links_${column}_node`,
          columnNames: [column],
          referencedTableName: 'nodes',
          referencedColumnNames: ['public_key'],
          onDelete: 'CASCADE',
        })),
      }),
    );
    await runner.createTable(
      new Table({
        name: 'nonces',
        columns: [text('public_key', primary), text('nonce', primary), integer('expires_at')],
        indices: [{ name: 'nonces_expires_at', columnNames: ['expires_at'] }],
      }),
    );
    await runner.createTable(
      new Table({
        name: 'network_state',
        columns: [{ name: 'id', type: 'integer', isPrimary: true }, integer('epoch'), integer('sequence')],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['network_state', 'nonces', 'links', 'nodes']) await runner.dropTable(table);
  }
}
