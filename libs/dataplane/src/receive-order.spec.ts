// Concurrency rule 5: threads that stall anywhere receive in one order, set the replay window in it and write in it.
import { instant } from '@shadownet/primitives';
import { SessionTable } from '@shadownet/wireguard';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

import { bundleThread } from './bundled-thread.contract.js';
import type { OrderResult, OrderStart } from './receive-order-worker.contract.js';
import { ReceiveOrder } from './receive-order.js';

const THREADS = 4;
const RECEIVES = 100_000;

describe('receive workers', { timeout: 60_000 }, () => {
  it('write in the order of their receives, and take each counter once', async () => {
    const run = await Run.start();
    const results = await Promise.all(run.results);
    expect(run.writes()).toEqual(Array.from({ length: RECEIVES }, (_, i) => i));
    expect(results.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(RECEIVES / 2);
    // Nothing is proved if one of them did it all.
    for (const { received } of results) expect(received).toBeGreaterThan(RECEIVES / 100);
  });

  it('end when they are told to, also while one of them has died with a ticket in its hand', async () => {
    const run = await Run.start({ diesAt: 1000 });
    await Promise.race(run.results);
    // The others may still have to write what they received before it.
    await vi.waitFor(() => expect(run.writes()).toHaveLength(1000), { timeout: 30_000 });
    expect(run.writes()).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    Atomics.store(run.stop, 0, 1);
    run.order.call();
    await Promise.all(run.results);
    expect(run.writes()).toHaveLength(1000);
  });
});

/** Threads at work on one socket, one window and one TUN. */
class Run {
  private constructor(
    readonly order: ReceiveOrder,
    readonly stop: Int32Array,
    readonly results: readonly Promise<OrderResult>[],
    private readonly counters: Int32Array,
    private readonly written: Int32Array,
  ) {}

  static async start(more: Pick<OrderStart, 'diesAt'> = {}): Promise<Run> {
    const order = new ReceiveOrder();
    const sessions = SessionTable.allocate(1);
    sessions.open({
      state: 'current',
      role: 'initiator',
      localIndex: 1 as ReturnType<typeof sessions.localIndex>,
      remoteIndex: 1 as ReturnType<typeof sessions.localIndex>,
      peer: 0,
      createdAt: instant(0),
      sendKey: new Uint8Array(32),
      receiveKey: new Uint8Array(32),
    });
    const [counters, written, started, stop] = [2, RECEIVES, 1, 1].map(
      (cells) => new Int32Array(new SharedArrayBuffer(cells * 4)),
    );
    const entry = await bundleThread(new URL('./receive-order-worker.contract.ts', import.meta.url));
    const ready: Promise<unknown>[] = [];
    const results = Array.from({ length: THREADS }, async (_, i) => {
      const workerData: OrderStart = {
        seed: 99 + i,
        order: order.buffer,
        counters: counters!.buffer as SharedArrayBuffer,
        written: written!.buffer as SharedArrayBuffer,
        sessions: sessions.buffer,
        receives: RECEIVES,
        started: started!.buffer as SharedArrayBuffer,
        stop: stop!.buffer as SharedArrayBuffer,
        ...more,
      };
      const worker = new Worker(entry, { workerData });
      onTestFinished(async () => void (await worker.terminate()));
      const isReady = once(worker, 'message');
      ready.push(isReady);
      await isReady;
      const [result] = (await once(worker, 'message')) as [OrderResult];
      return result;
    });
    await Promise.all(ready);
    Atomics.store(started!, 0, 1);
    Atomics.notify(started!, 0);
    return new Run(order, stop!, results, counters!, written!);
  }

  writes(): number[] {
    return [...this.written.subarray(0, Atomics.load(this.counters, 1))];
  }
}
