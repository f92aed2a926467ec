// Preloaded into shadownet-wg and, with it, into its workers: a full garbage collection in each busy thread every 20 ms. Workers
// never return to an event loop where a timer could do that, so it happens inside of something that they all do all the time.
// Needs --expose-gc.
import { performance } from 'node:perf_hooks';

const INTERVAL_MS = 20;
const CALLS_BETWEEN_LOOKS = 32;

const load = Atomics.load;
let calls = 0;
let collectedAt = 0;

Atomics.load = (cells, index) => {
  if (++calls % CALLS_BETWEEN_LOOKS === 0 && performance.now() - collectedAt >= INTERVAL_MS) {
    globalThis.gc();
    collectedAt = performance.now();
  }
  return load(cells, index);
};
