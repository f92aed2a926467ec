// A running `ping` with the time of every answer, so that a test can say what was lost and when it came back.
import { type LabProcess } from './lab-process.js';
import { type NetworkNamespace } from './network-namespace.js';
import { eventually } from './eventually.js';

export interface PingReply {
  readonly sequence: number;
  /** When the answer came, in milliseconds since the Unix epoch. */
  readonly at: number;
  readonly rttMs: number;
}

const REPLY = /^\[(\d+\.\d+)\] \d+ bytes from .*icmp_seq=(\d+) .*time=([\d.]+) ms/;

export class Ping {
  readonly replies: PingReply[] = [];

  private constructor(
    private readonly process: LabProcess,
    private readonly target: string,
  ) {
    process.onLine((line) => {
      const match = REPLY.exec(line);
      if (match === null) return;
      const [, at, sequence, rtt] = match;
      this.replies.push({ at: Number(at) * 1000, sequence: Number(sequence), rttMs: Number(rtt) });
    });
  }

  /** `payloadBytes`: besides 28 of IPv4 and ICMP. */
  static start(from: NetworkNamespace, target: string, intervalMs = 100, payloadBytes = 56): Ping {
    const argv = ['ping', '-n', '-D', '-i', String(intervalMs / 1000), '-s', String(payloadBytes), target];
    return new Ping(from.spawn(argv, { ...process.env, LC_ALL: 'C' }), target);
  }

  /** The first answer that came after `since` (epoch milliseconds). */
  firstReply(timeoutMs: number, since = 0): Promise<PingReply> {
    return eventually(`an answer of ${this.target} to ping`, timeoutMs, () =>
      this.replies.find((reply) => reply.at > since),
    );
  }

  /** Waits for `count` answers beyond those that are there. */
  async moreReplies(count: number, timeoutMs: number): Promise<void> {
    const wanted = this.replies.length + count;
    const what = `${String(count)} more answers of ${this.target} to ping`;
    await eventually(what, timeoutMs, () => (this.replies.length >= wanted ? true : undefined));
  }

  /** The sequence numbers before the last answer that were never answered. */
  lost(): number[] {
    const answered = new Set(this.replies.map(({ sequence }) => sequence));
    const last = this.replies.at(-1)?.sequence ?? 0;
    return Array.from({ length: last }, (_, index) => index + 1).filter((sequence) => !answered.has(sequence));
  }

  async stop(): Promise<void> {
    await this.process.stop('SIGINT');
  }
}
