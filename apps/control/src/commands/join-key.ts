// `shadownet-control join-key create|list|revoke`.

import { createJoinKeyResponseSchema, joinKeyListSchema, joinKeyMessageSchema } from '@shadownet/contracts';
import type { Command } from 'commander';
import { addServerCommand } from '../admin-client/server-command.js';
import { ControlError } from '../control-error.js';

interface CreateOptions {
  readonly description?: string;
  readonly reusable?: true;
  readonly approval?: true;
  readonly ephemeral?: true;
  readonly tags?: string;
  readonly expires: string;
  readonly json?: true;
}

export function addJoinKeyCommand(program: Command): void {
  const keys = program.command('join-key').description('keys by which nodes join the network');

  addServerCommand<CreateOptions>(
    keys,
    'create',
    'make a key, and print it: it is not shown again',
    async (command) => {
      const { description, reusable, approval, ephemeral, tags, expires, json } = command.options;
      const answer = await command.server.call(createJoinKeyResponseSchema, 'POST', '/join-keys', {
        ...(description !== undefined && { description }),
        reusable: reusable === true,
        approval: approval === true,
        ephemeral: ephemeral === true,
        tags: tags === undefined ? [] : tags.split(','),
        expires_in_s: parseLifetime(expires),
      });
      command.print(json ? JSON.stringify(answer) : answer.join_key);
    },
  )
    .option('--description <text>', 'what it is for')
    .option('--reusable', 'for any number of nodes, instead of one')
    .option('--ephemeral', 'nodes that join by it are deleted when they have been offline for 30 minutes')
    .option('--approval', 'nodes that join by it wait until an admin approves them')
    .option('--tags <tags>', 'what nodes that join by it are tagged with, comma-separated')
    .option('--expires <lifetime>', 'like 30m, 24h or 7d, or never', '24h')
    .option('--json', 'as JSON');

  addServerCommand<{ json?: true }>(keys, 'list', 'show all keys, the newest first', async (command) => {
    const list = await command.server.call(joinKeyListSchema, 'GET', '/join-keys');
    if (command.options.json) return command.print(JSON.stringify(list));
    for (const { id, state, uses, expires_at, description, tags, ...kind } of list.join_keys) {
      const kinds = (['reusable', 'ephemeral', 'approval'] as const).filter((name) => kind[name]);
      const about = [...kinds, ...tags.map((tag) => `tag:${tag}`), description].filter((part) => part !== '').join(' ');
      command.print(`${id}  ${state}  used ${uses}x  expires ${expires_at ?? 'never'}  ${about}`.trimEnd());
    }
  }).option('--json', 'as JSON');

  addServerCommand(keys, 'revoke <id>', 'let nobody join by it any more', async (command) => {
    const key = await command.server.call(joinKeyMessageSchema, 'DELETE', `/join-keys/${command.args[0]!}`);
    command.print(`${key.id} is revoked`);
  });
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Seconds; null: it never ends. */
function parseLifetime(text: string): number | null {
  if (text === 'never') return null;
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (count !== undefined) return Number(count) * UNIT_SECONDS[unit!]!;
  throw new ControlError('bad-config', `--expires ${text}: expected a time like 30m, 24h or 7d, or never`);
}
