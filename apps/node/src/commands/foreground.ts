// `shadownet-node up --foreground`, which the detached daemon is, too: the node and the signals that end it.

import { openDataPlane } from '@shadownet/dataplane';
import { ShadowNetError } from '@shadownet/primitives';
import type { NodeConfig } from '../config.js';
import { ExitCode, exitCodeOf } from '../exit-code.js';
import { type NodeLog, openNodeLog } from '../runtime/node-log.js';
import { NodeRuntime } from '../runtime/node-runtime.js';
import { within } from '../runtime/signal.js';
import type { DaemonMessage } from './daemon-message.js';
import { printError } from './terminal.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Whatever hangs while stopping must not keep the process: the interface vanishes with it. */
const STOP_TIMEOUT_MS = 5_000;

export async function runForeground(config: NodeConfig): Promise<void> {
  const log = openNodeLog(config.logLevel);
  const runtime = new NodeRuntime({
    config,
    log,
    openDataPlane: (choice) =>
      openDataPlane({ ...choice, workerEntry: new URL('./packet-worker.js', import.meta.url) }),
    onStopRequest: () => void stop('down', ExitCode.ok),
    onFatal: (error) => {
      log.event('interface-lost', { error: error.message });
      void stop('interface-lost', ExitCode.failure);
    },
  });
  const parent = parentProcess();
  // A daemon must not keep the folder busy in which somebody happened to start it.
  if (process.send) process.chdir('/');
  let stopping = false;

  const stop = async (reason: string, exitCode: ExitCode): Promise<void> => {
    if (stopping) return;
    stopping = true;
    log.event('stopping', { signal: reason });
    setTimeout(() => process.exit(exitCode), STOP_TIMEOUT_MS).unref();
    await runtime.stop().catch((error: unknown) => crash(log, error));
    process.exit(exitCode);
  };

  for (const signal of SIGNALS) process.on(signal, () => void stop(signal, ExitCode.ok));
  process.on('uncaughtException', (error) => crash(log, error));
  process.on('unhandledRejection', (error) => crash(log, error));
  // The parent gave up on us, or was interrupted, before we were usable.
  parent.onGone(() => void stop('parent-gone', ExitCode.failure));

  try {
    const summary = await runtime.start();
    await parent.tell({ kind: 'ready', summary });
  } catch (error) {
    if (stopping) return;
    const message = explain(error);
    stopping = true;
    log.event('start-failed', { error: message });
    // Whoever hears of it may try again at once, and must not find us still there.
    await within(STOP_TIMEOUT_MS, runtime.stop());
    if (!(await parent.tell({ kind: 'failed', message, exitCode: exitCodeOf(error) }))) printError(message);
    process.exit(exitCodeOf(error));
  }
}

/** The interface is not persistent: it goes with the process, and so does everything else that matters. */
function crash(log: NodeLog, error: unknown): never {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  log.event('crashed', { error: message, ...(stack !== undefined && { stack }) });
  process.exit(ExitCode.failure);
}

/** Errors of ours say what to do; anything else is shown as it is. */
function explain(error: unknown): string {
  if (error instanceof ShadowNetError) return error.message;
  return `unexpected: ${error instanceof Error ? error.message : String(error)}`;
}

/** The `up` that started us, if there is one, until it has been told. */
function parentProcess(): { tell(message: DaemonMessage): Promise<boolean>; onGone(handler: () => void): void } {
  if (!process.send) return { tell: async () => false, onGone: () => {} };
  let told = false;
  return {
    async tell(message) {
      told = true;
      await new Promise<void>((sent) => process.send?.(message, () => sent()));
      if (process.connected) process.disconnect?.();
      return true;
    },
    onGone(handler) {
      process.once('disconnect', () => {
        if (!told) handler();
      });
    },
  };
}
