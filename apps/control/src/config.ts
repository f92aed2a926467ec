// The configuration: read from the command line, validated once, frozen, injected under CONFIG.

import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Relay, relaySchema } from '@shadownet/contracts';
import {
  formatIpAddress,
  formatIpPrefix,
  type IpAddress,
  ipAddressesEqual,
  ipAddressScope,
  type IpPrefix,
  ipPrefix,
  parseIpAddress,
  parseIpPrefix,
} from '@shadownet/primitives';
import { z } from 'zod';
import { ControlError } from './control-error.js';
import { type OidcConfig, readOidcFile } from './people/oidc-config.js';

export interface ControlConfig {
  readonly listen: { readonly address: IpAddress; readonly port: number };
  readonly dataDir: string;
  /** Undefined: no STUN server. Port 0 means any. */
  readonly stun: StunConfig | undefined;
  /** The pool that nodes get their addresses from: IPv4, /8 to /30. */
  readonly network: IpPrefix;
  /** Anybody who can reach the server may register. */
  readonly open: boolean;
  readonly dashboardDir: string;
  /** Undefined: no relay in this process. */
  readonly relay: RelayConfig | undefined;
  /** Relays that stand alone, which nodes are told of. */
  readonly relays: readonly Relay[];
  readonly tls: TlsFiles | undefined;
  /** How people reach the server, without a slash at its end; undefined: at its own address. */
  readonly publicUrl: string | undefined;
  /** Undefined: people sign in with passwords only. */
  readonly oidc: OidcConfig | undefined;
  /** Whose X-Forwarded-For and X-Forwarded-Proto are believed. */
  readonly trustedProxies: readonly IpPrefix[];
  readonly logLevel: LogLevel;
}

export interface RelayConfig {
  /** On the address of the API. 0 means any. */
  readonly port: number;
}

export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

export interface StunConfig {
  readonly address: IpAddress;
  readonly ports: readonly number[];
  /** A second address of this machine, with the same ports: only with it nodes can tell all that their NATs do. */
  readonly alternateAddress: IpAddress | undefined;
  /** Nodes are told the address, because it was configured apart from the API's. */
  readonly announced: boolean;
}

/** The id of the relay in this process. */
export const EMBEDDED_RELAY = 'control';

/** The injection token of the ControlConfig. */
export const CONFIG = Symbol('CONFIG');

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The options as text, as the command line has them. */
export interface ControlOptions {
  readonly listen?: string;
  readonly dataDir?: string;
  readonly stunPorts?: string;
  readonly stunHost?: string;
  readonly stunAlternateAddress?: string;
  readonly network?: string;
  readonly open?: boolean;
  readonly dashboardDir?: string;
  /** False: no relay in this process. */
  readonly relay?: boolean;
  readonly relayPort?: string;
  readonly relays?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly publicUrl?: string;
  /** A file. */
  readonly oidc?: string;
  /** Comma-separated. */
  readonly trustedProxy?: string;
  readonly logLevel?: string;
}

export const DEFAULTS = {
  listen: '127.0.0.1:8080',
  stunPorts: '3478,3479',
  network: '10.100.0.0/16',
  relayPort: '3480',
  logLevel: 'info',
} as const;

/** Throws ControlError `bad-config`. */
export function loadConfig(options: ControlOptions): ControlConfig {
  const listen = parseListen(options.listen ?? DEFAULTS.listen);
  const open = options.open ?? false;
  const tls = parseTls(options);
  const trustedProxies = parseTrustedProxies(options.trustedProxy);
  if (!open && !tls && trustedProxies.length === 0 && !isLoopback(listen.address)) {
    throw badConfig(
      `--listen ${formatIpAddress(listen.address)} is not a loopback address: passwords and tokens would pass there in the ` +
        'clear. Add --tls-cert and --tls-key, or the --trusted-proxy that has them, or --open if everybody who reaches it may join the network.',
    );
  }
  return Object.freeze({
    listen,
    dataDir: resolve(options.dataDir ?? defaultDataDir()),
    stun: parseStun(options, listen.address),
    network: parseNetwork(options.network ?? DEFAULTS.network),
    open,
    dashboardDir: resolve(options.dashboardDir ?? defaultDashboardDir()),
    relay: parseRelay(options),
    relays: options.relays === undefined ? [] : readRelays(resolve(options.relays)),
    tls,
    publicUrl: parsePublicUrl(options.publicUrl),
    oidc: options.oidc === undefined ? undefined : readOidcFile(resolve(options.oidc)),
    trustedProxies,
    logLevel: parseLogLevel(options.logLevel ?? DEFAULTS.logLevel),
  });
}

export function isLoopback(address: IpAddress): boolean {
  return ipAddressScope(address) === 'loopback';
}

export function defaultDataDir(): string {
  if (process.getuid?.() === 0) return '/var/lib/shadownet-control';
  return join(process.env['XDG_DATA_HOME'] ?? join(homedir(), '.local', 'share'), 'shadownet-control');
}

/** The export of apps/dashboard in this workspace. */
function defaultDashboardDir(): string {
  return fileURLToPath(new URL('../../dashboard/out', import.meta.url));
}

function parseListen(text: string): ControlConfig['listen'] {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const address = host === 'localhost' ? parseIpAddress('127.0.0.1') : parseIpAddress(host ?? '');
  const port = Number(match?.[3]);
  if (!address || port > 0xffff) throw badConfig(`--listen ${text}: expected ADDRESS:PORT, like 127.0.0.1:8080`);
  return { address, port };
}

function parseStun(options: ControlOptions, listenAddress: IpAddress): ControlConfig['stun'] {
  const { stunPorts: ports = DEFAULTS.stunPorts, stunHost: host } = options;
  if (ports === 'off') return undefined;
  const address = host === undefined ? listenAddress : parseIpAddress(host);
  if (!address) throw badConfig(`--stun-host ${host}: expected an IP address`);
  const numbers = ports.split(',').map((port) => (/^\d{1,5}$/.test(port) ? Number(port) : Number.NaN));
  const fixed = numbers.filter((port) => port !== 0);
  if (
    numbers.length > 8 ||
    numbers.some((port) => Number.isNaN(port) || port > 0xffff) ||
    new Set(fixed).size < fixed.length
  ) {
    throw badConfig(`--stun-ports ${ports}: expected one to eight different UDP ports, like 3478,3479, or "off"`);
  }
  const alternateAddress = parseAlternateAddress(options.stunAlternateAddress, address);
  return { address, ports: numbers, alternateAddress, announced: host !== undefined };
}

/** Two sockets on one port need an address each: one that listens on all would have taken the other's. */
function parseAlternateAddress(text: string | undefined, first: IpAddress): IpAddress | undefined {
  if (text === undefined) return undefined;
  const address = parseIpAddress(text);
  if (!address || address.family !== first.family || ipAddressesEqual(address, first)) {
    throw badConfig(
      `--stun-alternate-address ${text}: expected a second IPv${first.family} address, other than ${formatIpAddress(first)}`,
    );
  }
  if (ipAddressScope(first) === 'unspecified' || ipAddressScope(address) === 'unspecified') {
    throw badConfig('--stun-alternate-address needs a --stun-host that is one address of this machine');
  }
  return address;
}

function parseNetwork(text: string): IpPrefix {
  const prefix = parseIpPrefix(text);
  if (!prefix || prefix.address.family !== 4 || prefix.length < 8 || prefix.length > 30) {
    throw badConfig(`--network ${text}: expected an IPv4 range of /8 to /30, like 10.100.0.0/16`);
  }
  if (formatIpPrefix(prefix) !== text) throw badConfig(`--network ${text}: did you mean ${formatIpPrefix(prefix)}?`);
  return prefix;
}

function parseRelay({ relay = true, relayPort = DEFAULTS.relayPort }: ControlOptions): RelayConfig | undefined {
  if (!relay) return undefined;
  const port = /^\d{1,5}$/.test(relayPort) ? Number(relayPort) : Number.NaN;
  if (!(port <= 0xffff)) throw badConfig(`--relay-port ${relayPort}: expected a UDP port, like ${DEFAULTS.relayPort}`);
  return { port };
}

/** JSON as the API tells it to nodes, without tickets, which are made for each node. */
function readRelays(path: string): Relay[] {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw badConfig(`--relays ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const parsed = z
    .array(relaySchema.omit({ ticket: true }))
    .max(15)
    .safeParse(content);
  if (!parsed.success) throw badConfig(`--relays ${path}: ${z.prettifyError(parsed.error)}`);
  const relays = parsed.data.map((relay) => ({ ...relay, ticket: null }));
  const ids = new Set([EMBEDDED_RELAY, ...relays.map(({ id }) => id)]);
  if (ids.size <= relays.length) throw badConfig(`--relays ${path}: each id once, and not "${EMBEDDED_RELAY}"`);
  return relays;
}

function parseTls({ tlsCert, tlsKey }: ControlOptions): TlsFiles | undefined {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) throw badConfig('--tls-cert and --tls-key go together');
  return { cert: resolve(tlsCert), key: resolve(tlsKey) };
}

function parsePublicUrl(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.pathname !== '/' || url.search + url.hash + url.username !== '') {
    throw badConfig(`--public-url ${text}: expected https://NAME or http://NAME, with a port if it needs one`);
  }
  return url.origin;
}

/** An address stands for itself alone. */
function parseTrustedProxies(text: string | undefined): IpPrefix[] {
  return (text ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      const address = parseIpAddress(part);
      const prefix = address ? ipPrefix(address, address.family === 4 ? 32 : 128) : parseIpPrefix(part);
      if (!prefix) throw badConfig(`--trusted-proxy ${part}: expected an address or a range, like 10.0.0.0/8`);
      return prefix;
    });
}

function parseLogLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((known) => known === text);
  if (!level) throw badConfig(`--log-level ${text}: expected one of ${LOG_LEVELS.join(', ')}`);
  return level;
}

function badConfig(message: string): ControlError {
  return new ControlError('bad-config', message);
}
