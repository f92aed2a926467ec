// For specs: a packet filter that denies UDP over IPv4 to one port for each direction, and everything else that is not that.

import type { PacketDirection, PacketFilter, PacketFilterTable } from '@shadownet/wireguard';

import { IPV4, PROTOCOL_UDP, UDP } from './virtio-header.js';

const DESTINATION_PORT = 2;

export function portTable(denied: Readonly<Record<PacketDirection, number>>): PacketFilterTable {
  const rules = new SharedArrayBuffer(4);
  new Uint16Array(rules).set([denied.out, denied.in]);
  return { rules, flows: new SharedArrayBuffer(0) };
}

export function portFilter({ rules }: PacketFilterTable): PacketFilter {
  const [out, into] = new Uint16Array(rules);
  return {
    judge(direction, _peer, packet, offset, length) {
      const isIpv4 = packet.getUint8(offset) === 0x45 && length >= IPV4.headerLength + UDP.headerLength;
      if (!isIpv4 || packet.getUint8(offset + IPV4.protocol) !== PROTOCOL_UDP) return 'filter-unreadable';
      const port = packet.getUint16(offset + IPV4.headerLength + DESTINATION_PORT);
      return port === (direction === 'out' ? out : into) ? 'filter-denied' : 'accept';
    },
  };
}
