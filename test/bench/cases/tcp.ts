// TCP throughput: one stream with its CPU cost, eight streams, both directions at once.
import { type BenchCase, cpuSecondsOfBothEnds } from '../bench-case.js';
import { transfer } from '../iperf.js';
import { type Measurements } from '../metric.js';
import { type TestBed } from '../test-bed.js';

const GIGABYTE = 1e9;

export const tcpCase: BenchCase = {
  id: 'tcp',
  metrics: ['tcp-1', 'cpu', 'tcp-8'],
  needs: 'wire',
  when: 'warm',
  async run(bed, { seconds }): Promise<Measurements> {
    const { throughput, cpu } = await measureOneStream(bed, seconds);
    const eight = await measureTcp(bed, seconds, 8, 'one');
    return { 'tcp-1': throughput, ...(cpu !== undefined && { cpu }), 'tcp-8': eight };
  },
};

export const bothDirectionsCase: BenchCase = {
  id: 'bidir',
  metrics: ['tcp-bidir'],
  needs: 'wire',
  when: 'warm',
  async run(bed, { seconds }) {
    return { 'tcp-bidir': await measureTcp(bed, seconds, 1, 'both') };
  },
};

export interface OneStream {
  /** Bits per second. */
  readonly throughput: number;
  /** Seconds per gigabyte of payload; of a tunnel only. */
  readonly cpu: number | undefined;
}

export async function measureOneStream(bed: TestBed, seconds: number): Promise<OneStream> {
  const { left: from, right: to, target, tunnel } = bed;
  const before = tunnel && cpuSecondsOfBothEnds(tunnel);
  const { bytes, seconds: took } = await transfer({
    ...{ from, to, target, seconds },
    load: { kind: 'tcp', streams: 1, directions: 'one' },
  });
  const after = tunnel && cpuSecondsOfBothEnds(tunnel);
  const cpu = before === undefined || after === undefined ? undefined : (after - before) / (bytes / GIGABYTE);
  return { throughput: (8 * bytes) / took, cpu };
}

/** Bits per second, of all streams and directions together. */
export async function measureTcp(
  { left: from, right: to, target }: TestBed,
  seconds: number,
  streams: number,
  directions: 'one' | 'both',
): Promise<number> {
  const result = await transfer({ from, to, target, seconds, load: { kind: 'tcp', streams, directions } });
  return (8 * result.bytes) / result.seconds;
}
