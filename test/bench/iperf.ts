// One transfer by iperf3, as its receiver saw it. Each gets a server of its own: one that an overloaded tunnel cut off would keep
// the next client waiting.
import { readFileSync } from 'node:fs';
import { type LabHost } from '../lab/lab.js';
import { type LabProcess } from '../lab/lab-process.js';

export interface Transfer {
  readonly from: LabHost;
  readonly to: LabHost;
  /** The address of `to` that decides whether it goes through a tunnel. */
  readonly target: string;
  readonly seconds: number;
  readonly load: TransferLoad;
}

export type TransferLoad =
  | { readonly kind: 'tcp'; readonly streams: number; readonly directions: 'one' | 'both' }
  /** As fast as the sender can, `payload` bytes in each datagram, one system call each. */
  | { readonly kind: 'udp'; readonly payload: number };

export interface Transferred {
  /** Of payload, in all streams and directions. */
  readonly bytes: number;
  readonly seconds: number;
  /** UDP: what the sender sent. */
  readonly offeredBytes: number;
}

/** What a transfer gets beyond its time: connecting, and the exchange of results through a tunnel that is still full. */
const GRACE_MS = 20_000;

/** Throws with iperf3's own reason if it fails. */
export async function transfer({ from, to, target, seconds, load }: Transfer): Promise<Transferred> {
  const server = to.spawn(['iperf3', '--server', '--one-off', '--forceflush']);
  try {
    await listening(server);
    const argv = ['iperf3', '--client', target, '--time', String(seconds), '--json', ...optionsOf(load)];
    const { stdout, stderr } = await from.tryRun(argv, { timeoutMs: seconds * 1000 + GRACE_MS });
    return parseTransfer(stdout === '' ? JSON.stringify({ error: stderr.trim() || 'no output' }) : stdout);
  } finally {
    await server.stop('SIGTERM', 500);
  }
}

function listening(server: LabProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    server.onLine((line) => {
      if (line.startsWith('Server listening')) resolve();
    });
    void server.ended.then(() => reject(new Error(`iperf3 --server ended: ${server.stderrTail}`)));
  });
}

function optionsOf(load: TransferLoad): string[] {
  if (load.kind === 'udp') {
    const buffer = String(receiveBufferBytes());
    return ['--udp', '--bitrate', '0', '--length', String(load.payload), '--window', buffer];
  }
  return ['--parallel', String(load.streams), ...(load.directions === 'both' ? ['--bidir'] : [])];
}

/**
 * Of the sockets in UDP transfers: 4 MB, or what the kernel allows. The default holds 90 large datagrams, fewer than arrive while
 * the receiver waits for its turn on a busy core, and what was carried would be counted as lost.
 */
export function receiveBufferBytes(): number {
  const allowed = ['rmem_max', 'wmem_max'].map((name) => Number(readFileSync(`/proc/sys/net/core/${name}`, 'utf8')));
  return Math.min(4 * 1024 * 1024, ...allowed);
}

interface IperfSum {
  readonly bytes: number;
  readonly seconds: number;
}

interface IperfReport {
  readonly error?: string;
  readonly end?: {
    readonly sum_sent?: IperfSum;
    readonly sum_received?: IperfSum;
    readonly sum_received_bidir_reverse?: IperfSum;
  };
}

/** What `iperf3 --json` wrote. */
export function parseTransfer(json: string): Transferred {
  const { error, end } = JSON.parse(json) as IperfReport;
  if (error !== undefined) throw new Error(`iperf3: ${error.replace(/^error - /, '')}`);
  if (end?.sum_received === undefined) throw new Error('iperf3: the receiver reported nothing');
  const { sum_sent: sent, sum_received: received, sum_received_bidir_reverse: reverse } = end;
  return {
    bytes: received.bytes + (reverse?.bytes ?? 0),
    seconds: received.seconds,
    offeredBytes: sent?.bytes ?? 0,
  };
}
