// shadownet-control: reads the command line, runs the server until SIGINT or SIGTERM. Exit codes: 0 stopped, 1 could not
// start, 2 usage.

import 'reflect-metadata';
import { ShadowNetError } from '@shadownet/primitives';
import { readCommandLine } from './cli.js';
import { ControlError } from './control-error.js';
import { startControlServer } from './control-server.js';

// Whatever is created, the database among it, is for this user only.
process.umask(0o077);

try {
  const commandLine = readCommandLine(process.argv.slice(2));
  if (commandLine.kind === 'done') process.exitCode = commandLine.exitCode;
  else {
    const server = await startControlServer(commandLine.config);
    stopOnSignal(() => server.close());
  }
} catch (error) {
  process.stderr.write(`shadownet-control: ${describe(error)}\n`);
  process.exit(error instanceof ControlError && error.code === 'bad-config' ? 2 : 1);
}

/** A second signal ends the process at once. */
function stopOnSignal(close: () => Promise<void>): void {
  const stop = (): void => {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    close().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`shadownet-control: ${describe(error)}\n`);
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
}

/** What the operator can mend is told in one line; a bug with its stack. */
function describe(error: unknown): string {
  if (error instanceof ShadowNetError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
