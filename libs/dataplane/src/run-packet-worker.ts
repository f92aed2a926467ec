// The entry of a worker thread. Each app bundles it into a file of its own, of which it tells openLinuxDataPlane the URL.

import { assertNever } from '@shadownet/primitives';
import type { PacketFilterFactory } from '@shadownet/wireguard';
import { isMainThread, workerData } from 'node:worker_threads';

import { ReceiveWorker } from './receive-worker.js';
import { TransmitWorker } from './transmit-worker.js';
import type { WorkerStart } from './worker-protocol.js';

export interface PacketWorkerOptions {
  /** The same as the device's (DeviceOptions). */
  readonly packetFilter?: PacketFilterFactory;
}

/** Runs the worker that the thread was started as, until it is told to stop. */
export function runPacketWorker({ packetFilter }: PacketWorkerOptions = {}): void {
  if (isMainThread) throw new Error('a packet worker is started by the data plane, in a thread of its own');
  const start = workerData as WorkerStart;
  switch (start.role) {
    case 'transmit':
      return new TransmitWorker(start, packetFilter).run();
    case 'receive':
      return new ReceiveWorker(start, packetFilter).run();
    default:
      return assertNever(start.role);
  }
}
