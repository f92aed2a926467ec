// What the figures were measured on and with: without it they mean nothing.
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { tryRun } from '../lab/command.js';
import { inRepository } from '../lab/repository.js';
import { receiveBufferBytes } from './iperf.js';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  readonly node: string;
  readonly openssl: string;
  readonly iperf3: string;
  /** The kernel's default, which iperf3 takes. */
  readonly congestionControl: string;
  readonly udpBufferBytes: number;
  /** Of the last minute, the last 5 and the last 15, before the benchmark did anything. */
  readonly loadAverage: readonly number[];
  readonly commit: string;
  /** YYYY-MM-DD, UTC. */
  readonly date: string;
}

export async function describeMachine(loadAverage: readonly number[]): Promise<Machine> {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    kernel: release(),
    node: process.versions.node,
    openssl: process.versions.openssl,
    iperf3: /^iperf (\S+)/.exec((await tryRun(['iperf3', '--version'])).stdout)?.[1] ?? 'unknown',
    congestionControl: readFileSync('/proc/sys/net/ipv4/tcp_congestion_control', 'utf8').trim(),
    udpBufferBytes: receiveBufferBytes(),
    loadAverage,
    commit: await describeCommit(),
    date: new Date().toISOString().slice(0, 10),
  };
}

export async function describeCommit(): Promise<string> {
  const git = (...args: string[]): ReturnType<typeof tryRun> => tryRun(['git', '-C', inRepository('.'), ...args]);
  const { code, stdout } = await git('rev-parse', '--short=12', 'HEAD');
  if (code !== 0) return 'unknown';
  const changes = (await git('status', '--porcelain', '--untracked-files=no', '--', 'apps', 'libs', 'bundle.mjs'))
    .stdout;
  return `${stdout.trim()}${changes === '' ? '' : ' with uncommitted changes'}`;
}
