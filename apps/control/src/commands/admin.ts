// `shadownet-control admin …`: what who sits at the server's machine may do when nobody can sign in any more.

import { setupLinkSchema } from '@shadownet/contracts';
import type { Command } from 'commander';
import { addServerCommand } from '../admin-client/server-command.js';

export function addAdminCommands(program: Command): void {
  const admin = program.command('admin').description('admins of the network');
  addServerCommand(
    admin,
    'reset',
    'print a new setup link, by which an admin is made or gets a new password',
    async (command) => {
      const link = await command.server.call(setupLinkSchema, 'POST', '/setup/links', {});
      command.print(`Open this link within 24 hours; it works once:\n\n  ${link.url}`);
    },
  );
}
