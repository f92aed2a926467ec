// `shadownet-control audit`: who changed what.

import { auditPageSchema } from '@shadownet/contracts';
import type { Command } from 'commander';
import { addServerCommand } from '../admin-client/server-command.js';

interface AuditOptions {
  readonly limit: string;
  readonly actor?: string;
  readonly action?: string;
  readonly subject?: string;
  readonly json?: true;
}

export function addAuditCommand(program: Command): void {
  addServerCommand<AuditOptions>(program, 'audit', 'show who changed what, the newest first', async (command) => {
    const { limit, actor, action, subject, json } = command.options;
    const given = Object.entries({ limit, actor, action, subject }).filter(([, value]) => value !== undefined);
    const query = new URLSearchParams(given as [string, string][]);
    const page = await command.server.call(auditPageSchema, 'GET', `/audit?${query}`);
    if (json) return command.print(JSON.stringify(page));
    for (const entry of page.entries) {
      const change = [entry.before, entry.after].map((facts) => (facts ? JSON.stringify(facts) : '-')).join(' -> ');
      command.print(`${entry.at}  ${entry.actor}  ${entry.action}  ${entry.subject}  ${change}`);
    }
  })
    .option('--limit <count>', 'how many, at most 500', '50')
    .option('--actor <actor>', 'only what this one did, like account:alice')
    .option('--action <action>', 'only this, like account.create')
    .option('--subject <subject>', 'only what was done to this, like account:alice')
    .option('--json', 'as JSON');
}
