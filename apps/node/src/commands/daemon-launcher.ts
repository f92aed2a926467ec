// Starts the node detached: Node cannot fork, so this program is executed again with --foreground, its output in the log file.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { formatJoinKey } from '@shadownet/contracts';
import type { NodeConfig } from '../config.js';
import { type ExitCode, ExitCode as Code } from '../exit-code.js';
import { NodeError } from '../node-error.js';
import { ensurePrivateDirectory } from '../state/private-directory.js';
import type { DaemonMessage } from './daemon-message.js';

/** The node gives up by itself at the configured timeout; so much later something else is wrong with it. */
const GRACE_MS = 5_000;
/** A larger log is moved aside at start, and with it the one before it goes. */
const MAX_LOG_BYTES = 16 * 1024 * 1024;

/** What the daemon died of, for the exit code of `up`. */
export class DaemonFailure extends Error {
  constructor(
    message: string,
    readonly exitCode: ExitCode,
  ) {
    super(message);
  }
}

/** Resolves with a line about the node when it is usable. Throws DaemonFailure with the daemon's own reason. */
export async function launchDaemon(config: NodeConfig): Promise<string> {
  ensurePrivateDirectory(config.stateDirectory);
  const logFile = join(config.stateDirectory, 'node.log');
  const daemon = spawnDetached(logFile, config);
  try {
    const message = await firstMessage(daemon, config.startTimeout + GRACE_MS);
    if (message.kind === 'failed') throw new DaemonFailure(message.message, message.exitCode);
    return message.summary;
  } catch (error) {
    if (error instanceof DaemonFailure) throw error;
    daemon.kill('SIGTERM');
    throw new DaemonFailure(`${(error as Error).message}; see ${logFile}`, Code.failure);
  } finally {
    if (daemon.connected) daemon.disconnect();
    daemon.unref();
  }
}

function spawnDetached(logFile: string, { joinKey }: NodeConfig): ChildProcess {
  const log = openLog(logFile);
  try {
    return spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1), '--foreground'], {
      detached: true,
      stdio: ['ignore', log, log, 'ipc'],
      // The daemon has no stdin, from which the key may have come.
      env: { ...process.env, ...(joinKey && { SHADOWNET_JOIN_KEY: formatJoinKey(joinKey) }) },
    });
  } finally {
    closeSync(log);
  }
}

function openLog(path: string): number {
  try {
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > MAX_LOG_BYTES) renameSync(path, `${path}.1`);
    return openSync(path, 'a', 0o600);
  } catch (error) {
    throw new NodeError('state-unusable', `cannot write ${path}: ${(error as Error).message}`, { cause: error });
  }
}

function firstMessage(daemon: ChildProcess, timeoutMs: number): Promise<DaemonMessage> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the node did not become usable in time')), timeoutMs);
    daemon.once('message', (message) => {
      clearTimeout(timer);
      resolve(message as DaemonMessage);
    });
    daemon.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    daemon.once('exit', (code, signal) => {
      clearTimeout(timer);
      reject(new Error(`the node ended (${signal ?? `exit code ${String(code)}`}) before it was usable`));
    });
  });
}
