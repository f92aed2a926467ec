// `shadownet-node status` and `peers` for people: a few lines and a table. Colours only on a terminal, and not with NO_COLOR.

import Table from 'cli-table3';
import colors from 'picocolors';
import type { NodeStatus, PeerStatus } from '../runtime/node-status.js';

export function formatStatus(status: NodeStatus): string {
  const { control } = status;
  const contact = control.connected
    ? colors.green('connected')
    : colors.red(
        control.last_contact_ms_ago === null
          ? 'never reached'
          : `unreachable, last contact ${formatAge(control.last_contact_ms_ago / 1000)} ago`,
      );
  const lines = [
    `${colors.bold(status.interface)}  ${status.virtual_ip} in ${status.network_cidr}`,
    `  public key   ${status.public_key}`,
    `  control      ${control.url}  ${contact}`,
    `  server key   ${control.public_key}`,
    `  UDP port     ${status.udp_port}, seen from outside as ${status.reflexive.join(', ') || 'unknown'}`,
    `  port mapping ${status.port_mapping ? `${status.port_mapping.endpoint} by ${status.port_mapping.protocol}` : 'none'}`,
    `  relay        ${describeHome(status)}`,
    `  engine       ${describeDataPlane(status)}, ${status.crypto} crypto, version ${status.version}`,
    '',
  ];
  return `${lines.join('\n')}\n${formatPeers(status.peers)}`;
}

function describeHome({ relays }: NodeStatus): string {
  const home = relays.find((relay) => relay.home);
  if (!home) return relays.length === 0 ? 'none' : colors.yellow(`none of ${relays.length} reached`);
  const how = home.transport === 'stream' ? ' by WebSocket' : '';
  const rtt = home.rtt_ms === null ? '' : `, ${home.rtt_ms.toFixed(1)} ms away`;
  return home.state === 'up' ? `${home.id}${how}${rtt}` : colors.yellow(`${home.id}, not connected`);
}

function describeDataPlane({ dataplane, workers }: NodeStatus): string {
  if (workers === 0) return `${dataplane} data plane`;
  return `${dataplane} data plane with ${workers} ${workers === 1 ? 'pair' : 'pairs'} of workers`;
}

export function formatPeers(peers: readonly PeerStatus[]): string {
  if (peers.length === 0) return 'no peers yet';
  const table = new Table({
    head: ['host', 'virtual IP', 'state', 'path', 'by', 'RTT', 'handshake', 'received', 'sent'],
    style: { head: [], border: [], compact: true },
  });
  for (const peer of peers) {
    table.push([
      peer.hostname,
      peer.virtual_ip,
      peer.online ? colors.green('online') : colors.dim('offline'),
      peer.path === 'none' ? colors.yellow(peer.path_state) : peer.path,
      peer.endpoint ?? peer.relay ?? '-',
      peer.rtt_ms === null ? '-' : `${peer.rtt_ms.toFixed(1)} ms`,
      peer.last_handshake_s_ago === null ? 'never' : `${formatAge(peer.last_handshake_s_ago)} ago`,
      formatBytes(peer.rx_bytes),
      formatBytes(peer.tx_bytes),
    ]);
  }
  return table.toString();
}

/** `42 s`, `3 min 20 s`, `5 h 12 min`, `2 d 3 h`. */
export function formatAge(seconds: number): string {
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`;
}

/** Binary units, as `wg show` prints them. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return unit === 0 ? `${bytes} B` : `${value.toFixed(2)} ${units[unit]!}`;
}
