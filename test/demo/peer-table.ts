// What both nodes say about each other, as a table.
import Table from 'cli-table3';
import { type NodeStatus } from '../mesh/node-status.js';
import { formatMilliseconds } from './lifecycle-report.js';

const HEAD = ['on', 'peer', 'virtual IP', 'endpoint', 'path', 'handshake', 'received', 'sent', 'RTT'];

/** `statuses`: the host's name, and what its node says. */
export function peerTable(statuses: readonly (readonly [string, NodeStatus])[]): string {
  const table = new Table({ head: HEAD, style: { head: [], border: [] } });
  for (const [hostname, status] of statuses) {
    for (const peer of status.peers) {
      table.push([
        hostname,
        peer.hostname,
        peer.virtual_ip,
        peer.endpoint ?? '-',
        peer.path,
        peer.last_handshake_s_ago === null ? '-' : `${peer.last_handshake_s_ago.toFixed(0)} s ago`,
        formatBytes(peer.rx_bytes),
        formatBytes(peer.tx_bytes),
        peer.rtt_ms === null ? '-' : formatMilliseconds(peer.rtt_ms),
      ]);
    }
  }
  return table.toString();
}

function formatBytes(count: number): string {
  if (count < 1024) return `${String(count)} B`;
  if (count < 1024 ** 2) return `${(count / 1024).toFixed(1)} KiB`;
  return `${(count / 1024 ** 2).toFixed(1)} MiB`;
}
