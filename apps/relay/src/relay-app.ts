// A relay that stands alone: its thread, and an HTTP(S) server for WebSockets, /healthz and /metrics.

import { mkdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { chooseCryptoProvider, loadKeyFile } from '@shadownet/crypto';
import { encodePublicKey, formatIpAddress, publicKeyFromBytes, ShadowNetError } from '@shadownet/primitives';
import {
  formatRelayMetrics,
  RelayHost,
  RelayHostError,
  type RelayHostOptions,
  RelayWebSockets,
  REVOCATIONS_PATH,
} from '@shadownet/relayhost';
import type { RelayConfig } from './config.js';
import { RelayError } from './relay-error.js';
import { RevocationReader } from './revocations.js';

export interface RelayApp {
  /** Base64 of its X25519 key, which nodes are told of. */
  readonly publicKey: string;
  readonly udp: RelayHost['udp'];
  /** Like http://0.0.0.0:3480. */
  readonly url: string;
  close(): Promise<void>;
}

/** Throws RelayError, RelayHostError or CryptoError for what the operator can mend. */
export async function startRelayApp(
  config: RelayConfig,
  { workerEntry, onFailed }: Pick<RelayHostOptions, 'workerEntry' | 'onFailed'>,
): Promise<RelayApp> {
  const { privateKey, publicKey } = openKey(config.keyFile);
  const address = formatIpAddress(config.listen.address);
  const http = createHttpServer(config);
  await listen(http, config);
  const { port } = http.address() as AddressInfo;
  let host: RelayHost;
  try {
    host = await RelayHost.start({
      ...{ privateKey, workerEntry, onFailed, network: '', ticketKeys: config.ticketKeys, limits: config.limits },
      // Whoever lets the system choose the port of the one wants the other beside it.
      udp: { address, port: config.listen.port === 0 && config.udpPort === 0 ? port : config.udpPort, kind: 'best' },
    });
  } catch (error) {
    http.close();
    if (!(error instanceof RelayHostError)) throw error;
    throw new RelayError('address-in-use', `UDP ${address}:${config.udpPort}: ${error.message}`, { cause: error });
  }
  const sockets = new RelayWebSockets(http, host);
  const reader = new RevocationReader(config.ticketKeys);
  http.on('request', (request, response) => {
    const send = (status: number, text: string): void => {
      response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text);
    };
    if (request.method === 'POST' && request.url === REVOCATIONS_PATH) {
      void reader.read(request).then((read) => {
        if (!read.ok) return send(read.reason === 'malformed' ? 400 : 403, `${read.reason}\n`);
        host.revokeTickets(read.revocations);
        send(200, 'ok\n');
      });
      return;
    }
    if (request.method !== 'GET') return send(405, 'method not allowed\n');
    if (request.url === '/healthz') return send(200, 'ok\n');
    if (request.url !== '/metrics') return send(404, 'not found\n');
    void host.counters().then((counters) => send(200, formatRelayMetrics(counters)));
  });
  return {
    publicKey,
    udp: host.udp,
    url: `${config.tls ? 'https' : 'http'}://${config.listen.address.family === 6 ? `[${address}]` : address}:${port}`,
    async close() {
      await host.close();
      sockets.close();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

function openKey(file: string): { readonly privateKey: Uint8Array; readonly publicKey: string } {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const privateKey = loadKeyFile(file);
    const { provider } = chooseCryptoProvider();
    return { privateKey, publicKey: encodePublicKey(publicKeyFromBytes(provider.privateKey(privateKey).publicKey)!) };
  } catch (error) {
    if (error instanceof ShadowNetError) throw error;
    throw unusable(`--key-file ${file}`, error);
  }
}

function createHttpServer({ tls }: RelayConfig): Server {
  if (!tls) return createServer();
  try {
    return createSecureServer({ cert: readFileSync(tls.cert), key: readFileSync(tls.key) });
  } catch (error) {
    throw unusable('--tls-cert and --tls-key', error);
  }
}

async function listen(http: Server, { listen: { address, port } }: RelayConfig): Promise<void> {
  const host = formatIpAddress(address);
  await new Promise<void>((resolve, reject) => {
    http.once('error', (error) => {
      reject(new RelayError('address-in-use', `TCP ${host}:${port}: ${error.message}`, { cause: error }));
    });
    http.listen(port, host, resolve);
  });
}

function unusable(what: string, cause: unknown): RelayError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new RelayError('unusable-files', `cannot use ${what}: ${why}`, { cause });
}
