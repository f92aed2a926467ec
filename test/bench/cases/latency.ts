// Round-trip times: one ping a second, when everything has gone to sleep in between; a hundred a second; and a hundred a second
// behind a TCP stream that takes all the throughput there is.
import { pause } from '../../lab/eventually.js';
import { type BenchCase } from '../bench-case.js';
import { transfer } from '../iperf.js';
import { measurePing } from '../ping-times.js';

const SLOW_INTERVAL_MS = 1000;
/** With this ping(8) sends about a hundred a second; told 10 ms, it sends 55, since it waits in whole ticks of the kernel then. */
const FAST_INTERVAL_MS = 9;
/** A percentile of fewer pings would say little. */
const MIN_SLOW_SECONDS = 5;
/** The stream gets so long to fill the queues before the first ping. */
const HEAD_START_MS = 500;

export const latencyCase: BenchCase = {
  id: 'latency',
  metrics: ['rtt-slow-p50', 'rtt-slow-p99', 'rtt-fast-p50', 'rtt-fast-p99'],
  needs: 'wire',
  when: 'warm',
  async run({ left, target }, { seconds }) {
    const slowSeconds = Math.max(MIN_SLOW_SECONDS, 2 * seconds);
    const slow = await measurePing(left, target, { intervalMs: SLOW_INTERVAL_MS, seconds: slowSeconds });
    const fast = await measurePing(left, target, { intervalMs: FAST_INTERVAL_MS, seconds });
    return {
      'rtt-slow-p50': slow.p50,
      'rtt-slow-p99': slow.p99,
      'rtt-fast-p50': fast.p50,
      'rtt-fast-p99': fast.p99,
    };
  },
};

export const latencyUnderLoadCase: BenchCase = {
  id: 'latency-load',
  metrics: ['rtt-load-p50', 'rtt-load-p99', 'rtt-load-lost'],
  needs: 'wire',
  when: 'warm',
  async run({ left, right, target }, { seconds }) {
    // The stream outlasts the pings, whose first one may come late.
    const stream = transfer({
      ...{ from: left, to: right, target, seconds: seconds + 2 },
      load: { kind: 'tcp', streams: 1, directions: 'one' },
    });
    const pings = pause(HEAD_START_MS).then(() => measurePing(left, target, { intervalMs: FAST_INTERVAL_MS, seconds }));
    const [{ p50, p99, lostPercent }] = await Promise.all([pings, stream]);
    return { 'rtt-load-p50': p50, 'rtt-load-p99': p99, 'rtt-load-lost': lostPercent };
  },
};
