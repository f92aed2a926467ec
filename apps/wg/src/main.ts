// The entry of shadownet-wg.

import { readConfig } from './config.js';
import { type DaemonMessage, launchDaemon } from './daemon-launcher.js';
import { runInForeground } from './foreground.js';
import { openWgLog } from './wg-log.js';

const config = readConfig(process.argv.slice(2), process.env);

if (config.mode === 'daemon') {
  try {
    await launchDaemon(config);
  } catch (error) {
    fail(error as Error);
  }
} else {
  const log = openWgLog(config.logLevel);
  process.on('uncaughtException', (error) => {
    log.event('crashed', { error: error.message, ...(error.stack !== undefined && { stack: error.stack }) });
    process.exit(1);
  });
  try {
    await runInForeground(config, log);
    await tellLauncher({ kind: 'listening' });
  } catch (error) {
    if (process.send === undefined) fail(error as Error);
    else await tellLauncher({ kind: 'failed', error: (error as Error).message });
    process.exit(1);
  }
}

/** To the process that waits for this one, if there is one; then the channel between them is closed. */
function tellLauncher(message: DaemonMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined) return resolve();
    process.send(message, () => {
      if (process.connected) process.disconnect();
      resolve();
    });
  });
}

function fail(error: Error): void {
  process.stderr.write(`shadownet-wg: ${error.message}\n`);
  process.exitCode = 1;
}
