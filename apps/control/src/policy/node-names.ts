// Finds the node that a person means: by its id, its virtual address or its host name, of which several nodes may have the same.

import type { NodeReference } from '@shadownet/contracts';
import { formatIpAddress, parseIpAddress } from '@shadownet/primitives';
import { ApiError } from '../http/api-error.js';
import { formatVirtualAddress } from '../nodes/address-pool.js';
import type { NodeEntity } from '../nodes/node.entity.js';

/** Throws ApiError `unknown-peer` and `ambiguous-name`. */
export function findNode(nodes: readonly NodeEntity[], name: string): NodeEntity {
  const address = parseIpAddress(name);
  const text = address ? formatIpAddress(address) : name.toLowerCase();
  const found = nodes.filter(
    (node) => node.id === text || formatVirtualAddress(node.address) === text || node.hostname.toLowerCase() === text,
  );
  if (found.length === 0) throw new ApiError('unknown-peer', `There is no node "${name}".`);
  if (found.length === 1) return found[0]!;
  const addresses = found.map((node) => formatVirtualAddress(node.address)).slice(0, 5);
  throw new ApiError('ambiguous-name', `${found.length} nodes are called "${name}": ${addresses.join(', ')}.`);
}

export function referenceOf({ id, hostname, address }: NodeEntity): NodeReference {
  return { id, hostname, virtual_ip: formatVirtualAddress(address) };
}
