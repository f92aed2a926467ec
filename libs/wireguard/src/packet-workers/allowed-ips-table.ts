// The allowed IPs as packet workers read them: the trie of allowed-ips.ts copied flat into a SharedArrayBuffer, which is never
// changed. A change makes a new one, and the workers are handed that (docs/adr, concurrency rule 9).
//
//   header, 8 cells    top node of IPv4, of IPv6
//   node, 8 cells      address (4)  prefix length  owner + 1  child for 0, for 1        a node is named by its first cell, 0: none

import type { AllowedIps, AllowedIpsNode } from '../allowed-ips.js';

const NODE_CELLS = 8;
const LENGTH = 4;
const OWNER = 5;
const FIRST_CHILD = 6;

/** `numberOf` gives the number by which the owner is known to workers. */
export function buildAllowedIpsTable<Owner>(
  allowedIps: AllowedIps<Owner>,
  numberOf: (owner: Owner) => number,
): SharedArrayBuffer {
  const roots = [allowedIps.rootOf(4), allowedIps.rootOf(6)];
  const nodes = roots.reduce((count, root) => count + countNodes(root), 0);
  const buffer = new SharedArrayBuffer((nodes + 1) * NODE_CELLS * 4);
  const cells = new Int32Array(buffer);
  let used = NODE_CELLS;

  const copy = (node: AllowedIpsNode<Owner> | undefined): number => {
    if (!node) return 0;
    const at = used;
    used += NODE_CELLS;
    for (let i = 0; i < node.bytes.length; i += 4) {
      const [a, b, c, d] = node.bytes.subarray(i, i + 4) as unknown as [number, number, number, number];
      cells[at + i / 4] = (a << 24) | (b << 16) | (c << 8) | d;
    }
    cells[at + LENGTH] = node.length;
    cells[at + OWNER] = node.owner === undefined ? 0 : numberOf(node.owner) + 1;
    cells[at + FIRST_CHILD] = copy(node.children[0]);
    cells[at + FIRST_CHILD + 1] = copy(node.children[1]);
    return at;
  };
  roots.forEach((root, family) => (cells[family] = copy(root)));
  return buffer;
}

export class AllowedIpsTable {
  readonly #cells: Int32Array;

  constructor(buffer: SharedArrayBuffer) {
    this.#cells = new Int32Array(buffer);
  }

  /** The number of the owner of the address in `packet` at `offset`, 4 or 16 bytes by family; -1 if nobody has it. */
  lookup(family: 4 | 6, packet: DataView, offset: number): number {
    const cells = this.#cells;
    const bits = family === 4 ? 32 : 128;
    let node = cells[family === 4 ? 0 : 1]!;
    let found = 0;
    while (node !== 0) {
      const length = cells[node + LENGTH]!;
      if (!this.#holds(node, length, packet, offset)) break;
      const owner = cells[node + OWNER]!;
      if (owner !== 0) found = owner;
      if (length === bits) break;
      const bit = (packet.getUint32(offset + (length >> 5) * 4) >>> (31 - (length & 31))) & 1;
      node = cells[node + FIRST_CHILD + bit]!;
    }
    return found - 1;
  }

  #holds(node: number, length: number, packet: DataView, offset: number): boolean {
    for (let word = 0; word * 32 < length; word++) {
      const significant = Math.min(32, length - word * 32);
      const difference = packet.getUint32(offset + word * 4) ^ this.#cells[node + word]!;
      if (difference >>> (32 - significant) !== 0) return false;
    }
    return true;
  }
}

function countNodes<Owner>(node: AllowedIpsNode<Owner> | undefined): number {
  return node ? 1 + countNodes(node.children[0]) + countNodes(node.children[1]) : 0;
}
