// shadownet-control: reads the command line, does what the command asks for, or runs the server until SIGINT or SIGTERM. Exit codes: 0 stopped, 1 could not
// start, 2 usage.

import { readFileSync } from 'node:fs';
import { ShadowNetError } from '@shadownet/primitives';
import { readCommandLine } from './cli.js';
import type { ControlConfig } from './config.js';
import { ControlError } from './control-error.js';

// Whatever is created, the database among it, is for this user only.
process.umask(0o077);

try {
  const commandLine = await readCommandLine(process.argv.slice(2));
  if (commandLine.kind === 'done') process.exitCode = commandLine.exitCode;
  else await serve(commandLine.config);
} catch (error) {
  fail(error);
}

/** Resolves once the server listens. A signal before that stops it right after; a second one ends the process at once. */
async function serve(config: ControlConfig): Promise<void> {
  // Loaded here, so that usage errors and --help need not wait for it.
  const { startControlServer } = await import('./control-server.js');
  const starting = startControlServer(config);
  const stop = (): void => {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    starting.then((server) => server.close()).then(() => process.exit(0), fail);
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  const { setupLinkFile } = await starting;
  // To a person only: what goes elsewhere may be kept as a log.
  if (setupLinkFile !== undefined && process.stderr.isTTY) {
    process.stderr.write(`Open this link to make the first admin: ${readFileSync(setupLinkFile, 'utf8')}`);
  }
}

function fail(error: unknown): never {
  process.stderr.write(`shadownet-control: ${describe(error)}\n`);
  process.exit(error instanceof ControlError && error.code === 'bad-config' ? 2 : 1);
}

/** What the operator can mend is told in one line; a bug with its stack. */
function describe(error: unknown): string {
  if (error instanceof ShadowNetError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
