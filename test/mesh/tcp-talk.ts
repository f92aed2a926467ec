// Whether a TCP connection is possible between two hosts, and goes on: one that is tried again and again.
import { eventually } from '../lab/eventually.js';
import { type LabHost } from '../lab/lab.js';
import { type LabProcess } from '../lab/lab-process.js';
import { inRepository } from '../lab/repository.js';

const PROGRAM = inRepository('test/mesh/tcp-talk-process.mjs');

/** Listens on these ports of the host; returns when it does. */
export async function serveTcp(host: LabHost, ports: readonly number[]): Promise<LabProcess> {
  const server = host.spawn([process.execPath, PROGRAM, 'serve', ...ports.map(String)]);
  let listening = 0;
  server.onLine(() => listening++);
  await eventually('the server to listen', 10_000, () => (listening === ports.length ? true : undefined));
  return server;
}

export class TcpTalk {
  /** When answers came, by performance.now(). */
  readonly answers: number[] = [];
  gaveUp = 0;

  private constructor(private readonly process: LabProcess) {
    process.onLine((line) => {
      if (line === 'answer') this.answers.push(performance.now());
      else this.gaveUp++;
    });
  }

  static start(from: LabHost, address: string, port: number): TcpTalk {
    return new TcpTalk(from.spawn([process.execPath, PROGRAM, 'talk', address, String(port)]));
  }

  async moreAnswers(count: number, timeoutMs: number): Promise<void> {
    const wanted = this.answers.length + count;
    await eventually(`${String(count)} more answers`, timeoutMs, () =>
      this.answers.length >= wanted ? true : undefined,
    );
  }

  /** Waits for so many connections that come to nothing. */
  async moreFailures(count: number, timeoutMs: number): Promise<void> {
    const wanted = this.gaveUp + count;
    await eventually(`${String(count)} failures`, timeoutMs, () => (this.gaveUp >= wanted ? true : undefined));
  }

  async stop(): Promise<void> {
    await this.process.stop();
  }
}
