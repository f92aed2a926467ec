// Starts shadownet-wg detached: Node cannot fork, so this program is executed again with --foreground, and this process waits
// until the UAPI socket of that one answers.

import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { uapiSocketPath } from '@shadownet/uapi';
import type { WgConfig } from './config.js';
import { WgError } from './wg-error.js';

/** What the daemon says over the IPC channel, once. */
export type DaemonMessage =
  | { readonly kind: 'listening' }
  /** Not started; `error` is the line for the user. */
  | { readonly kind: 'failed'; readonly error: string };

const START_TIMEOUT_MS = 15_000;

/** Resolves when the daemon is usable. Throws WgError 'start-failed' with the daemon's own reason. */
export async function launchDaemon(config: WgConfig): Promise<void> {
  const output = config.daemonLog === 'inherited' ? 'inherit' : 'ignore';
  const daemon = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1), '--foreground'], {
    detached: true,
    stdio: ['ignore', output, output, 'ipc'],
  });
  try {
    const message = await firstMessage(daemon);
    if (message.kind === 'failed') throw new WgError('start-failed', message.error);
    await askForConfiguration(uapiSocketPath(config.interfaceName));
  } catch (error) {
    daemon.kill('SIGTERM');
    throw error;
  } finally {
    if (daemon.connected) daemon.disconnect();
    daemon.unref();
  }
}

function firstMessage(daemon: ChildProcess): Promise<DaemonMessage> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string): void => reject(new WgError('start-failed', `the daemon ${reason}`));
    const timer = setTimeout(() => fail('did not become usable in time'), START_TIMEOUT_MS);
    daemon.once('message', (message) => {
      clearTimeout(timer);
      resolve(message as DaemonMessage);
    });
    daemon.once('error', (error) => {
      clearTimeout(timer);
      fail(`could not be started: ${error.message}`);
    });
    daemon.once('exit', (code, signal) => {
      clearTimeout(timer);
      fail(`ended (${signal ?? `exit code ${String(code)}`}) before it was usable`);
    });
  });
}

/** One `get`, whose answer is not looked at beyond that it ends well: it may hold a private key. */
function askForConfiguration(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const connection = connect(path, () => connection.end('get=1\n\n'));
    let answer = '';
    connection.setTimeout(START_TIMEOUT_MS, () => connection.destroy(new Error('no answer in time')));
    connection.on('data', (bytes) => (answer = (answer + bytes.toString('latin1')).slice(-9)));
    connection.on('error', (error) => reject(new WgError('start-failed', `${path} does not answer: ${error.message}`)));
    connection.on('end', () => {
      if (answer === 'errno=0\n\n') resolve();
      else reject(new WgError('start-failed', `${path} does not answer as a WireGuard interface`));
    });
  });
}
