// A thread of receive-order.spec.ts: receives as a receive worker does, from a socket that is a counter, and writes to a TUN that
// is a list, while every access to shared memory may stall.

import { SessionTable } from '@shadownet/wireguard';
import { parentPort, workerData } from 'node:worker_threads';

import { ReceiveOrder } from './receive-order.js';
import { generator, stall, stallAtEveryAccess } from './stalls.contract.js';

export interface OrderStart {
  readonly seed: number;
  readonly order: SharedArrayBuffer;
  /** Received so far (4), written so far (4). Plain cells: only order keeps threads from spoiling them. */
  readonly counters: SharedArrayBuffer;
  /** What was written, in that order. */
  readonly written: SharedArrayBuffer;
  readonly sessions: SharedArrayBuffer;
  /** Receives in all. Message n carries the counter n / 2, so that each comes twice. */
  readonly receives: number;
  /** Both set by the main thread. */
  readonly started: SharedArrayBuffer;
  readonly stop: SharedArrayBuffer;
  /** The receive in which this thread ends without a word, as one that dies. */
  readonly diesAt?: number;
}

export interface OrderResult {
  /** How many receives this thread had, and how many counters its window accepted. */
  readonly received: number;
  readonly accepted: number;
}

const start = workerData as OrderStart;
const random = generator(start.seed);
stallAtEveryAccess(random);
const order = new ReceiveOrder(start.order);
const counters = new Int32Array(start.counters);
const written = new Int32Array(start.written);
const sessions = SessionTable.attach(start.sessions, 'receive');
const window = sessions.replayWindow(sessions.liveSession(0)!);
const stop = new Int32Array(start.stop);
const started = new Int32Array(start.started);
const caller = {
  get isStopped(): boolean {
    return Atomics.load(stop, 0) === 1;
  },
};

// None begins before all are there: the first could have done everything by then.
parentPort!.postMessage('ready');
Atomics.wait(started, 0, 0);

let received = 0;
let accepted = 0;
for (;;) {
  const { calls } = order;
  if (caller.isStopped) break;
  if (!order.tryLead()) {
    order.waitToLead(calls, 250);
    continue;
  }
  const message = counters[0]!;
  stall(random());
  if (message < start.receives) counters[0] = message + 1;
  const ticket = order.takeTicket();
  order.giveLeadAway();
  if (message === start.receives) {
    // Whoever comes to the end passes its turn as well, and so ends the others.
    if (order.waitTurn('windows', ticket, caller)) order.passTurn('windows', ticket);
    if (order.waitTurn('writes', ticket, caller)) order.passTurn('writes', ticket);
    break;
  }
  received++;
  if (message === start.diesAt) break;
  stall(random());
  if (!order.waitTurn('windows', ticket, caller)) break;
  if (window.acceptParts(0, message >> 1)) accepted++;
  order.passTurn('windows', ticket);
  stall(random());
  if (!order.waitTurn('writes', ticket, caller)) break;
  const place = counters[1]!;
  stall(random());
  written[place] = message;
  counters[1] = place + 1;
  order.passTurn('writes', ticket);
}
parentPort?.postMessage({ received, accepted } satisfies OrderResult);
