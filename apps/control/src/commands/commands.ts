// The commands of shadownet-control besides serve. Each is a file of this folder.

import type { Command } from 'commander';
import { addAdminCommands } from './admin.js';
import { addAuditCommand } from './audit.js';
import { addPolicyCommands } from './policy.js';
import { addBackupCommands } from './backup.js';
import { addJoinKeyCommand } from './join-key.js';
import { addNodeCommands } from './node.js';

export function addCommands(program: Command): void {
  addAdminCommands(program);
  addAuditCommand(program);
  addPolicyCommands(program);
  addBackupCommands(program);
  addJoinKeyCommand(program);
  addNodeCommands(program);
}
