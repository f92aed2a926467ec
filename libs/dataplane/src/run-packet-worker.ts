// The entry of a worker thread. Each app bundles it into a file of its own, of which it tells openLinuxDataPlane the URL.

import { assertNever } from '@shadownet/primitives';
import { isMainThread, workerData } from 'node:worker_threads';

import { ReceiveWorker } from './receive-worker.js';
import { TransmitWorker } from './transmit-worker.js';
import type { WorkerStart } from './worker-protocol.js';

/** Runs the worker that the thread was started as, until it is told to stop. */
export function runPacketWorker(): void {
  if (isMainThread) throw new Error('a packet worker is started by the data plane, in a thread of its own');
  const start = workerData as WorkerStart;
  switch (start.role) {
    case 'transmit':
      return new TransmitWorker(start).run();
    case 'receive':
      return new ReceiveWorker(start).run();
    default:
      return assertNever(start.role);
  }
}
