// Puts the server together and starts it: files, application, HTTP pipeline, listening socket.

import 'reflect-metadata';
import type { RequestListener, Server } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { DynamicModule, INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { MAX_BODY_BYTES } from '@shadownet/contracts';
import { chooseCryptoProvider, type CryptoProvider } from '@shadownet/crypto';
import { formatIpAddress, ShadowNetError, SourceRateLimiter, type SourceRateLimits } from '@shadownet/primitives';
import type { DestinationStream, Logger } from 'pino';
import { AppModule } from './app.module.js';
import { adminSocketPath, listenAtAdminSocket, requireNoServerAt } from './auth/admin-socket.js';
import { type Clock, systemClock } from './clock.js';
import { type ControlConfig, isLoopback, type TlsFiles } from './config.js';
import { ControlError } from './control-error.js';
import { identifyClient } from './http/client.js';
import { hostCheck } from './http/host-check.js';
import { securityHeaders } from './http/security-headers.js';
import { SOURCE_LIMITS, sourceLimit } from './http/source-limit.js';
import { followTls, readTls } from './http/tls-files.js';
import { prepareDataDir, ServerIdentity } from './identity/server-identity.js';
import { createLogger, FrameworkLogger, loggingOptions } from './logging.js';
import { serveApiDescription } from './openapi.js';
import { Metrics } from './operations/metrics.js';
import { RelayService } from './relay/relay.service.js';
import { PASSWORD_COST, type ScryptCost } from './people/password-hasher.js';
import { PublicOrigin } from './people/public-origin.js';
import { SetupLinks } from './people/setup-links.js';
import { StunService } from './stun/stun.service.js';

export interface ControlServer {
  /** Where it listens, like http://127.0.0.1:8080. */
  readonly url: string;
  /** Where the link lies that makes the first admin; undefined if there is an admin. */
  readonly setupLinkFile: string | undefined;
  readonly stunPorts: readonly number[];
  /** Null without a relay in this process. */
  readonly relayPort: number | null;
  readonly publicKey: string;
  readonly app: INestApplicationContext;
  /** Ends open streams, answers what is under way, then closes everything. */
  close(): Promise<void>;
}

export interface ControlServerOptions {
  readonly clock?: Clock;
  /** Where log lines go; stderr if absent. */
  readonly log?: DestinationStream;
  readonly sourceLimits?: SourceRateLimits;
  /** The file of the relay's thread; the one beside this file if absent. */
  readonly relayWorker?: URL;
  /** Of hashing a password; PASSWORD_COST if absent. */
  readonly passwordCost?: ScryptCost;
}

const RELAY_WORKER_FILE = new URL('./relay-worker.js', import.meta.url);
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const CLOSING_GRACE_MS = 1_000;

/** Throws ControlError for what the operator can mend. */
export async function startControlServer(
  config: ControlConfig,
  {
    clock = systemClock,
    log,
    sourceLimits = SOURCE_LIMITS,
    relayWorker = RELAY_WORKER_FILE,
    passwordCost = PASSWORD_COST,
  }: ControlServerOptions = {},
): Promise<ControlServer> {
  const { provider: crypto } = chooseCryptoProvider();
  const identity = openFiles(config, crypto);
  const adminSocket = adminSocketPath(config.dataDir);
  await requireNoServerAt(adminSocket);

  const logger = createLogger(config.logLevel, log);
  const app = await createApplication(
    AppModule.with({ config, clock, crypto, identity, relayWorker, passwordCost }, loggingOptions(logger)),
    config,
  );
  try {
    app.useLogger(app.get(FrameworkLogger));
    assemblePipeline(app, config, new SourceRateLimiter(sourceLimits), clock);
    await app.init();
    await listen(app, config);
    if (config.tls) renewTls(app.getHttpServer() as SecureServer, config.tls, logger);
    const admin = await listenAtAdminSocket(adminSocket, app.getHttpAdapter().getInstance() as RequestListener);
    const url = urlOf(app, config);
    app.get(PublicOrigin).url = config.publicUrl ?? url;
    const setupLinkFile = await app.get(SetupLinks).offer();
    const stunPorts = app.get(StunService).ports;
    const publicKey = identity.publicKeyText;
    const { port: relayPort = null, ticketKey } = app.get(RelayService);
    logger.info({
      ...{ event: 'listening', url, stun_ports: stunPorts, relay_port: relayPort },
      ...{ public_key: publicKey, ticket_key: ticketKey },
    });
    if (setupLinkFile !== undefined) logger.warn({ event: 'setup-pending', setup_link_file: setupLinkFile });
    return { url, setupLinkFile, stunPorts, relayPort, publicKey, app, close: () => close(app, admin) };
  } catch (error) {
    await app.close();
    throw error;
  }
}

function openFiles({ dataDir }: ControlConfig, crypto: CryptoProvider): ServerIdentity {
  try {
    prepareDataDir(dataDir);
    return ServerIdentity.load(crypto, dataDir);
  } catch (error) {
    if (error instanceof ShadowNetError) throw error;
    throw new ControlError('unusable-files', `cannot use --data-dir ${dataDir}: ${messageOf(error)}`, { cause: error });
  }
}

/** Opens and migrates the database on the way. */
async function createApplication(module: DynamicModule, { tls }: ControlConfig): Promise<NestExpressApplication> {
  try {
    return await NestFactory.create<NestExpressApplication>(module, {
      ...(tls && { httpsOptions: readTls(tls) }),
      bodyParser: false,
      abortOnError: false,
      // What happens before there is a logger is told by the error, if it matters.
      bufferLogs: true,
      autoFlushLogs: false,
    });
  } catch (error) {
    if (!/^SQLITE_/.test(messageOf(error))) throw error;
    throw new ControlError('unusable-files', `cannot open the database: ${messageOf(error)}`, { cause: error });
  }
}

function renewTls(server: SecureServer, files: TlsFiles, logger: Logger): void {
  const stop = followTls(server, files, (change) => {
    if (change.kind === 'renewed') logger.info({ event: 'tls-renewed' });
    else logger.error({ event: 'tls-refused', error: change.reason });
  });
  server.once('close', stop);
}

/** Requests that are under way get a moment to be answered. */
async function close(app: NestExpressApplication, admin: Server): Promise<void> {
  const cut = setTimeout(() => {
    (app.getHttpServer() as Server).closeAllConnections();
    admin.closeAllConnections();
  }, CLOSING_GRACE_MS);
  admin.close();
  await app.close();
  clearTimeout(cut);
}

/** In the order in which a request passes it; the routes follow. */
function assemblePipeline(
  app: NestExpressApplication,
  config: ControlConfig,
  limiter: SourceRateLimiter,
  clock: Clock,
): void {
  app.disable('x-powered-by');
  // An ETag would turn answers into 304s that the signature does not cover.
  app.disable('etag');
  app.use(app.get(Metrics).measureRequests());
  app.use(securityHeaders());
  app.use(identifyClient(config.trustedProxies));
  app.use(sourceLimit(limiter, clock));
  if (!config.open && isLoopback(config.listen.address)) app.use(hostCheck(config.publicUrl));
  // Any type is read as bytes: signatures cover those, whatever they are.
  app.useBodyParser('raw', { type: () => true, limit: MAX_BODY_BYTES, inflate: false });
  serveApiDescription(app);
}

async function listen(app: NestExpressApplication, { listen: { address, port } }: ControlConfig): Promise<void> {
  const server = app.getHttpServer() as Server;
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  const host = formatIpAddress(address);
  try {
    await app.listen(port, host);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const reason =
      code === 'EADDRINUSE'
        ? 'the port is in use: stop what uses it, or choose another with --listen'
        : code === 'EADDRNOTAVAIL'
          ? 'this machine does not have the address'
          : code === 'EACCES'
            ? 'no permission to use the port: choose one above 1023'
            : messageOf(error);
    throw new ControlError('address-in-use', `cannot listen on ${host}, TCP port ${port}: ${reason}`, { cause: error });
  }
}

function urlOf(app: NestExpressApplication, { tls }: ControlConfig): string {
  const { address, family, port } = (app.getHttpServer() as Server).address() as AddressInfo;
  return `${tls ? 'https' : 'http'}://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
