// What shadownet-wg logs: one JSON object per line on stderr with an `event` and its fields (docs/logging.md). Never a secret.

import { pino } from 'pino';

/** The values of LOG_LEVEL that wireguard-go knows; `debug` is another name for `verbose`. */
export type WgLogLevel = 'silent' | 'error' | 'verbose';

/** Keys and peers are public keys in base64, endpoints texts such as `203.0.113.21:51820`. */
export interface WgEvents {
  started: { interface: string; crypto: string; dataplane: string; workers: number; version: string };
  /** The fastest crypto provider was not to be had; `started` names the one that is used. */
  'crypto-fallback': { reason: string };
  /** The fast data plane was not to be had; the portable one is used. */
  'dataplane-fallback': { reason: string };
  'fewer-workers': { reason: string };
  'interface-up': { interface: string; port: number };
  'interface-down': { interface: string };
  handshake: { peer: string; role: 'initiator' | 'responder' };
  'handshake-gave-up': { peer: string };
  'session-expired': { peer: string };
  'path-changed': { peer: string; endpoint: string };
  configured: { errno: number };
  'request-refused': { errno: number; detail: string };
  'socket-failed': { error: string };
  'timestamps-unsaved': { error: string };
  stopping: { reason: string };
  crashed: { error: string; stack?: string };
}

const LEVELS: Record<keyof WgEvents, 'debug' | 'error'> = {
  started: 'debug',
  'crypto-fallback': 'debug',
  'dataplane-fallback': 'debug',
  'fewer-workers': 'debug',
  'interface-up': 'debug',
  'interface-down': 'debug',
  handshake: 'debug',
  'handshake-gave-up': 'debug',
  'session-expired': 'debug',
  'path-changed': 'debug',
  configured: 'debug',
  'request-refused': 'error',
  'socket-failed': 'error',
  'timestamps-unsaved': 'error',
  stopping: 'debug',
  crashed: 'error',
};

export interface WgLog {
  event<E extends keyof WgEvents>(event: E, fields: WgEvents[E]): void;
}

/** Writes at once, so that the last line before an exit is there. */
export function openWgLog(level: WgLogLevel): WgLog {
  const destination = pino.destination({ dest: 2, sync: true });
  // The terminal that a daemon logs to may be closed any day; the interface works on without it.
  destination.on('error', () => undefined);
  const logger = pino(
    {
      level: level === 'verbose' ? 'debug' : level,
      base: null,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  return {
    event(event, fields) {
      logger[LEVELS[event]]({ event, ...fields });
    },
  };
}
