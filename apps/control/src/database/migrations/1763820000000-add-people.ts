// Accounts, sessions, API tokens, the setup link, and who guessed at passwords.

import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';

const text = (name: string, more = {}) => ({ name, type: 'text', ...more });
const integer = (name: string, more = {}) => ({ name, type: 'bigint', ...more });
const nullable = { isNullable: true };
const primary = { isPrimary: true };

export class AddPeople1763820000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      new Table({
        name: 'accounts',
        columns: [text('name', primary), text('role'), text('password_hash'), integer('created_at')],
      }),
    );
    await runner.createTable(
      new Table({
        name: 'sessions',
        columns: [
          text('secret_hash', primary),
          text('account', nullable),
          text('oidc_name', nullable),
          text('oidc_role', nullable),
          integer('created_at'),
          integer('seen_at'),
        ],
        indices: [{ name: 'sessions_account', columnNames: ['account'] }],
      }),
    );
    await runner.createTable(
      new Table({
        name: 'api_tokens',
        columns: [
          text('id', primary),
          text('name'),
          text('role'),
          text('secret_hash'),
          integer('created_at'),
          text('created_by'),
          integer('expires_at'),
          integer('last_used_at', nullable),
        ],
        uniques: ['name', 'secret_hash'].map((column) => ({
          name: `api_tokens_${column}_unique`,
          columnNames: [column],
        })),
      }),
    );
    await runner.createTable(
      new Table({ name: 'setup_links', columns: [text('secret_hash', primary), integer('expires_at')] }),
    );
    await runner.createTable(
      new Table({
        name: 'sign_in_attempts',
        columns: [
          text('subject', primary),
          { name: 'failures', type: 'integer' },
          integer('blocked_until'),
          integer('last_at'),
        ],
        indices: [{ name: 'sign_in_attempts_last_at', columnNames: ['last_at'] }],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['sign_in_attempts', 'setup_links', 'api_tokens', 'sessions', 'accounts']) {
      await runner.dropTable(table);
    }
  }
}
