// The real shadownet-control, in a process of its own, and what it takes of the machine.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { inRepository } from '../lab/repository.js';

/** USER_HZ: what /proc counts CPU time in. */
const TICKS_PER_SECOND = 100;

export class ServerProcess {
  private constructor(
    private readonly child: ChildProcessByStdio<null, null, Readable>,
    readonly port: number,
    readonly publicKey: string,
    readonly startMs: number,
  ) {}

  /** Returns when it listens. */
  static async start(dataDir: string, port = 0): Promise<ServerProcess> {
    const startedAt = performance.now();
    const child = spawn(
      process.execPath,
      [
        inRepository('apps/control/bin/shadownet-control.js'),
        ...['serve', '--listen', `127.0.0.1:${port}`, '--open', '--data-dir', dataDir],
        ...['--stun-ports', 'off', '--no-relay', '--log-level', 'info'],
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const lines = createInterface(child.stderr);
    let told = '';
    for await (const line of lines) {
      told += `${line}\n`;
      if (!line.includes('"event":"listening"')) continue;
      const { url, public_key: publicKey } = JSON.parse(line) as { url: string; public_key: string };
      child.stderr.resume();
      return new ServerProcess(child, Number(new URL(url).port), publicKey, performance.now() - startedAt);
    }
    throw new Error(`shadownet-control did not start:\n${told}`);
  }

  async kill(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }

  /** Resident memory in bytes. */
  get memory(): number {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${this.child.pid}/status`, 'utf8'))![1]) * 1024;
  }

  /** CPU time used so far, all threads, in seconds. */
  get cpuSeconds(): number {
    const fields = readFileSync(`/proc/${this.child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }
}
