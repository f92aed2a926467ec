// What the node logs: one JSON object per line with an `event` and that event's fields (docs/logging.md). Never a secret.

import type { CryptoProvider } from '@shadownet/crypto';
import type { DataPlaneKind } from '@shadownet/dataplane';
import type { RelayDownReason, RelayTransport } from '@shadownet/relay';
import { pino } from 'pino';
import type { LogLevel } from '../config.js';

/** The fields of each event. Endpoints are texts such as `203.0.113.21:51820`, keys and peers are public keys in base64. */
export interface NodeEvents {
  'keys-ready': { public_key: string; created: boolean };
  'crypto-provider': { name: CryptoProvider['name']; reason?: string };
  'data-plane': { kind: DataPlaneKind; workers: number; reason?: string; fewer_workers_reason?: string };
  'socket-bound': { port: number };
  'server-key-pinned': { server_public_key: string };
  'stun-result': { server: string; endpoint: string; rtt_ms: number };
  'stun-unanswered': { server: string };
  'reflexive-changed': { endpoint: string; previous: string | null };
  'candidates-changed': { candidates: string[] };
  'port-mapped': { protocol: string; endpoint: string };
  'port-unmapped': object;
  'port-mapping-unavailable': { gateway: string; reason: string };
  slept: object;
  'nat-measured': { kind: string; meaning: string };
  registered: { peer_id: string; assigned_ip: string; network_cidr: string };
  'network-remembered': { assigned_ip: string; peers: number };
  'interface-up': { interface: string; address: string; mtu: number };
  'uapi-unavailable': { error: string };
  'uapi-refused': { errno: number; reason: string };
  'map-updated': { version: string; peers: number; added: number; removed: number };
  punching: { peer: string; hostname: string; candidates: string[]; reason: string };
  'search-paused': { peer: string; hostname: string; retry_in_ms: number | null };
  'path-confirmed': { peer: string; hostname: string; endpoint: string; rtt_ms: number };
  handshake: { peer: string; hostname: string; role: 'initiator' | 'responder' };
  'handshake-gave-up': { peer: string; hostname: string };
  relayed: { peer: string; hostname: string; relay: string };
  'relay-up': { relay: string; transport: RelayTransport };
  'relay-down': { relay: string; reason: RelayDownReason };
  'home-relay': { relay: string | null };
  'path-mtu': { peer: string; hostname: string; proven_bytes: number; loses_bytes: number | null };
  'path-lost': { peer: string; hostname: string; reason: string };
  ready: object;
  'control-unreachable': { error: string };
  'control-back': object;
  'control-refused': { request: string; code: string; error: string };
  'untrusted-message': { source: string; reason: string; suppressed: number };
  stopping: { signal: string };
  'start-failed': { error: string };
  'interface-lost': { error: string };
  'state-unwritable': { error: string };
  crashed: { error: string; stack?: string };
}

const LEVELS: Record<keyof NodeEvents, Exclude<LogLevel, 'trace'>> = {
  'keys-ready': 'info',
  'crypto-provider': 'info',
  'data-plane': 'info',
  'socket-bound': 'info',
  'server-key-pinned': 'info',
  'stun-result': 'info',
  'stun-unanswered': 'warn',
  'reflexive-changed': 'info',
  'candidates-changed': 'info',
  'port-mapped': 'info',
  'port-unmapped': 'info',
  'port-mapping-unavailable': 'info',
  slept: 'info',
  'nat-measured': 'info',
  registered: 'info',
  'network-remembered': 'warn',
  'interface-up': 'info',
  'uapi-unavailable': 'warn',
  'uapi-refused': 'warn',
  'map-updated': 'info',
  punching: 'info',
  'search-paused': 'debug',
  'path-confirmed': 'info',
  handshake: 'info',
  'handshake-gave-up': 'warn',
  relayed: 'info',
  'relay-up': 'info',
  'relay-down': 'info',
  'home-relay': 'info',
  'path-mtu': 'debug',
  'path-lost': 'warn',
  ready: 'info',
  'control-unreachable': 'warn',
  'control-back': 'info',
  'control-refused': 'error',
  'untrusted-message': 'warn',
  stopping: 'info',
  'start-failed': 'fatal',
  'interface-lost': 'fatal',
  'state-unwritable': 'error',
  crashed: 'fatal',
};

export interface NodeLog {
  event<E extends keyof NodeEvents>(event: E, fields: NodeEvents[E]): void;
}

/** Writes to a descriptor at once (2 = stderr), so that the last line before an exit is there. */
export function openNodeLog(level: LogLevel, descriptor = 2): NodeLog {
  const logger = pino(
    { level, base: null, formatters: { level: (label) => ({ level: label }) } },
    pino.destination({ dest: descriptor, sync: true }),
  );
  return {
    event(event, fields) {
      logger[LEVELS[event]]({ event, ...fields });
    },
  };
}
