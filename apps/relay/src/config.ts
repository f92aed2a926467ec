// The configuration: read from the command line, validated once, frozen.

import { join, resolve } from 'node:path';
import { homedir } from 'node:os';
import { decodeBase64, type IpAddress, parseIpAddress } from '@shadownet/primitives';
import { DEFAULT_RELAY_LIMITS, type RelayLimits } from '@shadownet/relay';
import { RelayError } from './relay-error.js';

export interface RelayConfig {
  /** Of the UDP socket and of the WebSockets alike. */
  readonly listen: { readonly address: IpAddress; readonly port: number };
  /** Apart from that of the WebSockets; 0 means any. */
  readonly udpPort: number;
  readonly keyFile: string;
  /** Ed25519 keys of 32 bytes: whose tickets count. At least one. */
  readonly ticketKeys: readonly Uint8Array[];
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  readonly limits: Partial<RelayLimits>;
  readonly logLevel: LogLevel;
}

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The options as text, as the command line has them. */
export interface RelayOptions {
  readonly listen?: string;
  readonly udpPort?: string;
  readonly keyFile?: string;
  readonly ticketKey?: readonly string[];
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly maxClients?: string;
  readonly clientMbit?: string;
  readonly logLevel?: string;
}

export const DEFAULTS = { listen: '0.0.0.0:3480', logLevel: 'info' } as const;
const TICKET_KEY_BYTES = 32;
/** What one client may send at once: so long at its rate. */
const BURST_SECONDS = 0.1;

/** Throws RelayError `bad-config`. */
export function loadConfig(options: RelayOptions): RelayConfig {
  const listen = parseListen(options.listen ?? DEFAULTS.listen);
  return Object.freeze({
    listen,
    udpPort: options.udpPort === undefined ? listen.port : parsePort('--udp-port', options.udpPort),
    keyFile: resolve(options.keyFile ?? defaultKeyFile()),
    ticketKeys: parseTicketKeys(options.ticketKey ?? []),
    tls: parseTls(options),
    limits: parseLimits(options),
    logLevel: parseLogLevel(options.logLevel ?? DEFAULTS.logLevel),
  });
}

export function defaultKeyFile(): string {
  if (process.getuid?.() === 0) return '/var/lib/shadownet-relay/relay.key';
  return join(process.env['XDG_DATA_HOME'] ?? join(homedir(), '.local', 'share'), 'shadownet-relay', 'relay.key');
}

function parseListen(text: string): RelayConfig['listen'] {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const address = parseIpAddress(match?.[1] ?? match?.[2] ?? '');
  const port = Number(match?.[3]);
  if (!address || port > 0xffff) throw badConfig(`--listen ${text}: expected ADDRESS:PORT, like ${DEFAULTS.listen}`);
  return { address, port };
}

function parsePort(option: string, text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 0xffff)) throw badConfig(`${option} ${text}: expected a port`);
  return port;
}

function parseTicketKeys(texts: readonly string[]): Uint8Array[] {
  if (texts.length === 0) {
    throw badConfig('--ticket-key is missing: the ticket_key that the control server logs when it starts');
  }
  return texts.map((text) => {
    const key = decodeBase64(text);
    if (key?.length !== TICKET_KEY_BYTES) throw badConfig(`--ticket-key ${text}: expected base64 of 32 bytes`);
    return key;
  });
}

function parseTls({ tlsCert, tlsKey }: RelayOptions): RelayConfig['tls'] {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) throw badConfig('--tls-cert and --tls-key go together');
  return { cert: resolve(tlsCert), key: resolve(tlsKey) };
}

function parseLimits({ maxClients, clientMbit }: RelayOptions): Partial<RelayLimits> {
  const { perClient } = DEFAULT_RELAY_LIMITS;
  const mbit = clientMbit === undefined ? undefined : positive('--client-mbit', clientMbit);
  const bytes = mbit === undefined ? undefined : (mbit * 1e6) / 8;
  return {
    ...(maxClients !== undefined && { maxSessions: positive('--max-clients', maxClients) }),
    ...(bytes !== undefined && {
      perClient: { ...perClient, bytes: { perSecond: bytes, burst: Math.max(65_536, bytes * BURST_SECONDS) } },
    }),
  };
}

function positive(option: string, text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw badConfig(`${option} ${text}: expected a positive number`);
  return Number(text);
}

function parseLogLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((known) => known === text);
  if (!level) throw badConfig(`--log-level ${text}: expected one of ${LOG_LEVELS.join(', ')}`);
  return level;
}

function badConfig(message: string): RelayError {
  return new RelayError('bad-config', message);
}
