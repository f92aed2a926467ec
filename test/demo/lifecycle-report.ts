// The log events of a node (apps/node/src/runtime/node-log.ts) in words, for the lifecycle as the demo shows it.
import { type LogEntry } from '../mesh/json-log.js';

/** One line about `entry`, or undefined for what is no step of the lifecycle. */
export function describeEvent(entry: LogEntry): string | undefined {
  const text = (field: string): string => String(entry[field] ?? '?');
  const milliseconds = (field: string): string => formatMilliseconds(Number(entry[field]));
  switch (entry.event) {
    case 'keys-ready':
      return `keys        ${entry['created'] === true ? 'created' : 'read'}, public key ${text('public_key')}`;
    case 'socket-bound':
      return `socket      UDP port ${text('port')}, for STUN, probes, handshakes and data`;
    case 'server-key-pinned':
      return `pinned      the control server's key ${text('server_public_key')}`;
    case 'stun-result':
      return `STUN        ${text('server')} sees us at ${text('endpoint')} (${milliseconds('rtt_ms')})`;
    case 'stun-unanswered':
      return `STUN        ${text('server')} does not answer`;
    case 'registered':
      return `registered  as ${text('assigned_ip')} in ${text('network_cidr')}`;
    case 'interface-up':
      return `interface   ${text('interface')} is up with ${text('address')}, MTU ${text('mtu')}`;
    case 'map-updated':
      return describeMap(entry);
    case 'punching':
      return `punching    ${text('hostname')}: ${listOf(entry['candidates'])}`;
    case 'path-confirmed':
      return `path        to ${text('hostname')} confirmed: ${text('endpoint')} (${milliseconds('rtt_ms')})`;
    case 'handshake':
      return `handshake   with ${text('hostname')} done, as ${text('role')}`;
    case 'path-lost':
      return `path        to ${text('hostname')} lost: ${text('reason')}`;
    case 'ready':
      return 'ready';
    case 'control-unreachable':
      return `control     unreachable: ${text('error')}`;
    case 'control-back':
      return 'control     is back';
    case 'control-refused':
      return `control     refused ${text('request')}: ${text('error')}`;
    case 'stopping':
      return `stopping    (${text('signal')})`;
    default:
      return undefined;
  }
}

/** 0.4 → "0.40 ms", 12.34 → "12.3 ms". */
export function formatMilliseconds(value: number): string {
  return `${value.toFixed(value < 1 ? 2 : 1)} ms`;
}

function describeMap(entry: LogEntry): string {
  const peers = Number(entry['peers']);
  return `peers       ${peers === 0 ? 'none yet' : peers === 1 ? 'one' : String(peers)}`;
}

function listOf(value: unknown): string {
  return Array.isArray(value) && value.length > 0 ? value.join(', ') : 'no endpoint known yet';
}
