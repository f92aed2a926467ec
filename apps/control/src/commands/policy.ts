// `shadownet-control policy …`: shows, checks, previews and changes who may open connections to whom.

import { readFileSync } from 'node:fs';
import {
  canAnswerSchema,
  type NodeReference,
  policyPreviewSchema,
  type PolicyPreview,
  policyVersionsSchema,
  storedPolicySchema,
} from '@shadownet/contracts';
import { describeDecision, readPolicyText } from '@shadownet/policy';
import type { Command } from 'commander';
import type { AdminClient } from '../admin-client/admin-client.js';
import { addServerCommand } from '../admin-client/server-command.js';
import { ControlError } from '../control-error.js';

export function addPolicyCommands(program: Command): void {
  const policy = program.command('policy').description('who may open connections to whom');

  addServerCommand<{ version?: string }>(policy, 'show', 'print the policy that is in force', async (command) => {
    const { version } = command.options;
    const route = version === undefined ? '/policy' : `/policy/versions/${encodeURIComponent(version)}`;
    const { document } = await command.server.call(storedPolicySchema, 'GET', route);
    command.print(JSON.stringify(document, undefined, 2));
  }).option('--version <number>', 'an older one');

  addServerCommand(
    policy,
    'check <file>',
    'say whether a policy would be accepted',
    async ({ server, args, print }) => {
      const document = readDocument(args[0]!);
      requireTests(await previewOf(server, document));
      print('The policy has no errors, and its tests hold.');
    },
  );

  addServerCommand(policy, 'preview <file>', 'show which links appear, vanish and change', async (command) => {
    const preview = await previewOf(command.server, readDocument(command.args[0]!));
    for (const line of previewLines(preview)) command.print(line);
    requireTests(preview);
  });

  addServerCommand<{ comment: string }>(policy, 'apply <file>', 'put a policy in force', async (command) => {
    const { server, args, options, print } = command;
    const body = { document: readDocument(args[0]!), comment: options.comment };
    const stored = await server.call(storedPolicySchema, 'PUT', '/policy', body, await seenVersion(server));
    print(`The policy is at version ${stored.version}.`);
  }).option('--comment <text>', 'why, for the list of versions', '');

  addServerCommand(policy, 'versions', 'list who changed the policy, the newest first', async ({ server, print }) => {
    const { versions } = await server.call(policyVersionsSchema, 'GET', '/policy/versions?limit=500');
    for (const { version, at, actor, comment } of versions) print(`${version}  ${at}  ${actor}  ${comment}`);
  });

  addServerCommand(
    policy,
    'rollback <version>',
    'put an older version in force again',
    async ({ server, args, print }) => {
      const route = `/policy/versions/${encodeURIComponent(args[0]!)}/restore`;
      const stored = await server.call(storedPolicySchema, 'POST', route, undefined, await seenVersion(server));
      print(`The policy is at version ${stored.version}, which is version ${args[0]} again.`);
    },
  );

  addServerCommand(
    policy,
    'can <from> <to> <traffic>',
    'say whether one node may open tcp/22 to another',
    async (command) => {
      const [from, to, traffic] = command.args as [string, string, string];
      const query = new URLSearchParams({ from, to, traffic });
      const answer = await command.server.call(canAnswerSchema, 'GET', `/policy/can?${query}`);
      for (const line of describeDecision(answer)) command.print(line);
      if (!answer.allowed) process.exitCode = 1;
    },
  );
}

/** Throws ControlError `refused` with every problem of the document. */
function readDocument(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new ControlError('refused', `cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
  const read = readPolicyText(text);
  if (read.ok) return read.policy.document;
  const lines = read.problems.map(({ path, code, message }) => `${path || '(document)'}: ${message} [${code}]`);
  throw new ControlError('refused', `${file} has errors:\n${lines.join('\n')}`);
}

function previewOf(server: AdminClient, document: unknown): Promise<PolicyPreview> {
  return server.call(policyPreviewSchema, 'POST', '/policy/preview', { document });
}

function requireTests({ test_failures: failures }: PolicyPreview): void {
  if (failures.length === 0) return;
  const lines = failures.map(({ field, message }) => `${field}: ${message}`);
  throw new ControlError('refused', `the tests of the policy do not hold:\n${lines.join('\n')}`);
}

function previewLines({ appear, vanish, change, counts }: PolicyPreview): string[] {
  const name = ({ hostname, virtual_ip }: NodeReference): string => `${hostname} (${virtual_ip})`;
  const ends = ({ from, to }: { from: NodeReference; to: NodeReference }): string => `${name(from)} -> ${name(to)}`;
  return [
    ...appear.map((link) => `+ ${ends(link)}  ${link.traffic.join(' ')}`),
    ...vanish.map((link) => `- ${ends(link)}  ${link.traffic.join(' ')}`),
    ...change.map((link) => `~ ${ends(link)}  ${link.before.join(' ')} => ${link.after.join(' ')}`),
    `${counts.appear} links appear, ${counts.vanish} vanish, ${counts.change} change.`,
  ];
}

/** Whoever changes the policy meanwhile is not overwritten. */
async function seenVersion(server: AdminClient): Promise<{ 'if-match': string }> {
  const { version } = await server.call(storedPolicySchema, 'GET', '/policy');
  return { 'if-match': `"${version}"` };
}
