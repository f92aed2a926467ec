// `shadownet-control node …`: shows the nodes, approves, tags, disables and deletes them.

import { type NodeEdit, nodeListSchema, type NodeMessage, nodeMessageSchema } from '@shadownet/contracts';
import type { Command } from 'commander';
import type { AdminClient } from '../admin-client/admin-client.js';
import { addServerCommand } from '../admin-client/server-command.js';
import { ControlError } from '../control-error.js';

export function addNodeCommands(program: Command): void {
  const node = program
    .command('node')
    .description('the nodes of the network; <node> is an id, a virtual address or a host name');

  addServerCommand<{ json?: true }>(node, 'list', 'show all nodes', async ({ server, options, print }) => {
    const list = await server.call(nodeListSchema, 'GET', '/nodes');
    if (options.json) return print(JSON.stringify(list));
    for (const one of list.nodes) print(lineOf(one));
  }).option('--json', 'as JSON');

  addServerCommand(node, 'show <node>', 'show all that is known of a node', async ({ server, args, print }) => {
    print(JSON.stringify(await find(server, args[0]!), undefined, 2));
  });

  addServerCommand(
    node,
    'tag <node> <tags>',
    'give it these tags instead of those it has, comma-separated; "" for none',
    async ({ server, args: [name, tags], print }) => {
      const { id } = await find(server, name!);
      print(lineOf(await edit(server, id, { tags: tags === '' ? [] : tags!.split(',') })));
    },
  );

  addServerCommand(node, 'approve <node>', 'let a node in that waits', async ({ server, args, print }) => {
    const { id, hostname, standing } = await find(server, args[0]!);
    if (standing !== 'pending') throw new ControlError('refused', `${hostname} does not wait for approval`);
    print(lineOf(await edit(server, id, { standing: 'member' })));
  });

  addServerCommand(node, 'disable <node>', 'shut a node out until it is enabled', async ({ server, args, print }) => {
    const { id } = await find(server, args[0]!);
    print(lineOf(await edit(server, id, { standing: 'disabled' })));
  });

  addServerCommand(node, 'enable <node>', 'let a disabled node in again', async ({ server, args, print }) => {
    const { id, hostname, standing } = await find(server, args[0]!);
    if (standing !== 'disabled') throw new ControlError('refused', `${hostname} is not disabled`);
    print(lineOf(await edit(server, id, { standing: 'member' })));
  });

  addServerCommand(
    node,
    'delete <node>',
    'delete a node: it joins again only by a join key that is made afterwards',
    async ({ server, args, print }) => {
      const { id } = await find(server, args[0]!);
      const { hostname } = await server.call(nodeMessageSchema, 'DELETE', `/nodes/${id}`);
      print(`${hostname} is deleted`);
    },
  );
}

const edit = (server: AdminClient, id: string, change: NodeEdit) =>
  server.call(nodeMessageSchema, 'PATCH', `/nodes/${id}`, change);

async function find(server: AdminClient, name: string): Promise<NodeMessage> {
  const { nodes } = await server.call(nodeListSchema, 'GET', '/nodes');
  const wanted = name.toLowerCase();
  const unique = nodes.find(({ id, virtual_ip: address }) => id === wanted || address === wanted);
  const found = unique ? [unique] : nodes.filter(({ hostname }) => hostname.toLowerCase() === wanted);
  if (found.length > 1) {
    const addresses = found.map(({ virtual_ip: address }) => address).join(', ');
    throw new ControlError('refused', `several nodes have the name ${name}: say which by its address, of ${addresses}`);
  }
  if (!found[0]) throw new ControlError('refused', `there is no node ${name}`);
  return found[0];
}

function lineOf({ id, virtual_ip: address, hostname, standing, online, ephemeral, tags }: NodeMessage): string {
  const state = standing === 'member' ? (online ? 'online' : 'offline') : standing;
  const kind = [...(ephemeral ? ['ephemeral'] : []), ...tags.map((tag) => `tag:${tag}`)].join(' ');
  return `${address}  ${hostname}  ${state}  ${id}  ${kind}`.trimEnd();
}
