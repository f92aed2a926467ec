// The pool of virtual addresses, and which one a new node gets: the lowest free one. A key keeps its
// address until its node is deleted.

import { formatIpAddress, ipAddressFromBytes, type IpPrefix, parseIpAddress } from '@shadownet/primitives';
import type { EntityManager } from 'typeorm';
import { NodeEntity } from './node.entity.js';

/** IPv4 addresses as unsigned numbers. The network and the broadcast address are no host addresses. */
export class AddressPool {
  readonly firstHost: number;
  readonly lastHost: number;

  constructor(network: IpPrefix) {
    const base = new DataView(Uint8Array.from(network.address.bytes).buffer).getUint32(0);
    this.firstHost = base + 1;
    this.lastHost = base + 2 ** (32 - network.length) - 2;
  }

  contains(address: number): boolean {
    return address >= this.firstHost && address <= this.lastHost;
  }

  /** The lowest address that no node has; undefined if the pool is full. All nodes' addresses have to be in the pool. */
  async lowestFree(manager: EntityManager): Promise<number | undefined> {
    if (!(await manager.existsBy(NodeEntity, { address: this.firstHost }))) return this.firstHost;
    // The end of the run of taken addresses that begins at the first one.
    const end = await manager
      .createQueryBuilder(NodeEntity, 'node')
      .leftJoin(NodeEntity, 'next', 'next.address = node.address + 1')
      .where('next.address IS NULL')
      .select('MIN(node.address)', 'address')
      .getRawOne<{ address: number | string }>();
    const free = Number(end!.address) + 1;
    return this.contains(free) ? free : undefined;
  }
}

export function formatVirtualAddress(address: number): string {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, address);
  return formatIpAddress(ipAddressFromBytes(bytes));
}

/** The IPv4 address as an unsigned number. */
export function parseVirtualAddress(text: string): number | undefined {
  const address = parseIpAddress(text);
  return address?.family === 4 ? new DataView(Uint8Array.from(address.bytes).buffer).getUint32(0) : undefined;
}
