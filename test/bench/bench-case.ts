// One thing that the benchmark measures: what every case looks like.
import { type MetricId, type Measurements } from './metric.js';
import { type TestBed, type Tunnel } from './test-bed.js';
import { cpuSecondsOf, memoryOf } from './process-usage.js';

export interface CaseSettings {
  /** Of one transfer. */
  readonly seconds: number;
}

export interface BenchCase {
  readonly id: string;
  readonly metrics: readonly MetricId[];
  /** 'wire' cases say something about the bare wire too. */
  readonly needs: 'wire' | 'tunnel';
  /** 'cold' cases come before the first load. */
  readonly when: 'cold' | 'warm';
  readonly run: (bed: TestBed, settings: CaseSettings) => Promise<Measurements>;
}

export function requireTunnel({ tunnel, contender }: TestBed): Tunnel {
  if (tunnel === undefined) throw new Error(`${contender.title} has no tunnel`);
  return tunnel;
}

/** User and system time of both ends until now. */
export function cpuSecondsOfBothEnds({ left, right }: Tunnel): number {
  return cpuSecondsOf(left.pid) + cpuSecondsOf(right.pid);
}

/** Of the end that has more, in bytes. */
export function memoryOfLargerEnd({ left, right }: Tunnel, kind: 'resident' | 'peak'): number {
  return Math.max(memoryOf(left.pid)[kind], memoryOf(right.pid)[kind]);
}
