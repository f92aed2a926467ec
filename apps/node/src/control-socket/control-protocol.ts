// What CLI and daemon say to each other over the local control socket: one JSON object per line each way.

import { join } from 'node:path';
import type { LocalConfig } from '../config.js';

export type ControlRequest =
  | { readonly command: 'status' }
  /** Answers at once; the connection closes when the node is gone. */
  | { readonly command: 'stop' }
  /** Of a peer, by hostname, virtual IP or public key: why its path is what it is. */
  | { readonly command: 'explain'; readonly peer: string }
  /** Of the same: which way it answers. Takes two seconds at most. */
  | { readonly command: 'ping'; readonly peer: string }
  /** Of the control server: may `from` open this traffic to `to`? One of them is this node. */
  | { readonly command: 'can'; readonly from: string; readonly to: string; readonly traffic: string };

export type ControlReply =
  { readonly ok: true; readonly result: unknown } | { readonly ok: false; readonly error: string };

/** Bytes of the longest request line: more ends the connection. */
export const MAX_REQUEST_BYTES = 1024;
/** Bytes of the longest reply line that the CLI takes: a status of 10,000 peers with all their candidates fits. */
export const MAX_REPLY_BYTES = 64 * 1024 * 1024;
/** Connections that the daemon holds at a time; further ones are closed. */
export const MAX_CONNECTIONS = 16;
/** A connection without a request for this long is closed. */
export const IDLE_TIMEOUT_MS = 10_000;

export function controlSocketPath({ runDirectory, interfaceName }: LocalConfig): string {
  return join(runDirectory, `${interfaceName}.sock`);
}

export function parseControlRequest(line: string): ControlRequest | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('command' in value)) return undefined;
  switch (value.command) {
    case 'status':
    case 'stop':
      return { command: value.command };
    case 'explain':
    case 'ping':
      if (!('peer' in value) || typeof value.peer !== 'string') return undefined;
      return { command: value.command, peer: value.peer };
    case 'can':
      return parseCan(value);
    default:
      return undefined;
  }
}

function parseCan(value: object): ControlRequest | undefined {
  const { from, to, traffic } = value as Record<string, unknown>;
  if (typeof from !== 'string' || typeof to !== 'string' || typeof traffic !== 'string') return undefined;
  return { command: 'can', from, to, traffic };
}
