// shadownet-relay: reads the command line, runs the relay until SIGINT or SIGTERM. Exit codes: 0 stopped, 1 could not start or has
// failed, 2 usage.

import { ShadowNetError } from '@shadownet/primitives';
import pino from 'pino';
import { readCommandLine } from './cli.js';
import type { RelayConfig } from './config.js';
import { startRelayApp } from './relay-app.js';
import { RelayError } from './relay-error.js';

// What is created, the key, is for this user only.
process.umask(0o077);

try {
  const commandLine = readCommandLine(process.argv.slice(2));
  if (commandLine.kind === 'done') process.exitCode = commandLine.exitCode;
  else await serve(commandLine.config);
} catch (error) {
  fail(error);
}

async function serve(config: RelayConfig): Promise<void> {
  const log = pino({ level: config.logLevel, base: null }, pino.destination({ dest: 2, sync: true }));
  const relay = await startRelayApp(config, {
    workerEntry: new URL('./relay-worker.js', import.meta.url),
    onFailed: fail,
  });
  const { url, udp, publicKey } = relay;
  log.info({ event: 'listening', url, udp_port: udp?.port, udp: udp?.kind, public_key: publicKey });
  const stop = (signal: NodeJS.Signals): void => {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    log.info({ event: 'stopping', signal });
    relay.close().then(() => process.exit(0), fail);
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
}

function fail(error: unknown): never {
  process.stderr.write(`shadownet-relay: ${describe(error)}\n`);
  process.exit(error instanceof RelayError && error.code === 'bad-config' ? 2 : 1);
}

/** What the operator can mend is told in one line; a bug with its stack. */
function describe(error: unknown): string {
  if (error instanceof ShadowNetError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
