// The audit log. That rows are only added is a trigger's matter, for which TypeORM has no call of its own.

import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';

const text = (name: string, more = {}) => ({ name, type: 'text', ...more });
const nullable = { isNullable: true };

export class AddAudit1763810000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      new Table({
        name: 'audit',
        columns: [
          { name: 'id', type: 'integer', isPrimary: true, isGenerated: true, generationStrategy: 'increment' },
          { name: 'at', type: 'bigint' },
          text('actor'),
          text('action'),
          text('subject'),
          text('before', nullable),
          text('after', nullable),
        ],
        indices: [{ name: 'audit_subject', columnNames: ['subject'] }],
      }),
    );
    const isPostgres = runner.connection.options.type === 'postgres';
    for (const statement of isPostgres ? POSTGRES : SQLITE) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('audit');
    if (runner.connection.options.type === 'postgres') await runner.query('DROP FUNCTION audit_append_only');
  }
}

const SQLITE = ['UPDATE', 'DELETE'].map(
  (event) =>
    `CREATE TRIGGER audit_no_${event.toLowerCase()} BEFORE ${event} ON audit ` +
    `BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END`,
);

const POSTGRES = [
  `CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS ` +
    `$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$`,
  `CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit ` +
    `FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()`,
];
