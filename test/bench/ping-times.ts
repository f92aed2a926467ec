// Round-trip times by ping(8): the distribution, and how many were lost.
import { type LabHost } from '../lab/lab.js';
import { percentile } from './statistics.js';

export interface PingTimes {
  readonly p50: number;
  readonly p99: number;
  readonly lostPercent: number;
}

export interface PingPlan {
  readonly intervalMs: number;
  readonly seconds: number;
}

/** Throws if nothing was answered. */
export async function measurePing(
  from: LabHost,
  target: string,
  { intervalMs, seconds }: PingPlan,
): Promise<PingTimes> {
  const argv = ['ping', '-n', '-i', String(intervalMs / 1000), '-w', String(seconds), target];
  const timeoutMs = seconds * 1000 + 10_000;
  const { stdout } = await from.tryRun(argv, { timeoutMs, env: { ...process.env, LC_ALL: 'C' } });
  const { times, sent } = parsePing(stdout);
  if (times.length === 0) throw new Error(`${target} answered none of ${String(sent)} pings`);
  return {
    p50: percentile(times, 50),
    p99: percentile(times, 99),
    lostPercent: (100 * lostOf(times.length, sent)) / sent,
  };
}

/** The one that was under way when time was up is not lost. */
function lostOf(answered: number, sent: number): number {
  return Math.max(0, sent - answered - 1);
}

export interface ParsedPing {
  /** In milliseconds, in the order of the answers; answers that came twice count once. */
  readonly times: readonly number[];
  readonly sent: number;
}

export function parsePing(stdout: string): ParsedPing {
  const times = stdout.split('\n').flatMap((line) => {
    const time = line.endsWith('(DUP!)') ? undefined : /icmp_seq=\d+ .*time=([\d.]+) ms/.exec(line)?.[1];
    return time === undefined ? [] : [Number(time)];
  });
  return { times, sent: Number(/^(\d+) packets transmitted/m.exec(stdout)?.[1] ?? times.length) };
}
