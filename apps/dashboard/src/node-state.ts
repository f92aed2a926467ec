// The one word that says how a node does.

import { ageOf } from './relative-time';

export type NodeState = 'active' | 'idle' | 'offline';

/** A WireGuard session older than this is rejected (whitepaper §6.1, Reject-After-Time): without it nothing flows. */
const SESSION_LIFETIME_MS = 180_000;

/**
 * offline: the control server misses its heartbeats. active: a handshake with any peer is young enough for traffic.
 * idle: neither. `now` is the server's clock in milliseconds since the Unix epoch.
 */
export function nodeState(node: { online: boolean; lastHandshake: string | null }, now: number): NodeState {
  if (!node.online) return 'offline';
  if (node.lastHandshake !== null && ageOf(node.lastHandshake, now) < SESSION_LIFETIME_MS) return 'active';
  return 'idle';
}
