// Streams through a tunnel of which both ends know every byte, so that a wrong, lost or doubled one is found.
import { fileURLToPath } from 'node:url';
import type { LabHost } from '../lab/lab.js';
import type { LabProcess } from '../lab/lab-process.js';

const PROGRAM = fileURLToPath(new URL('./checked-stream-process.mjs', import.meta.url));

export interface StreamResult {
  readonly received: number;
  /** The offset of the piece that held the first wrong byte; -1 if there was none. */
  readonly firstWrong: number;
}

export class CheckedStreamReceiver {
  readonly #results: StreamResult[] = [];
  #wake = (): void => undefined;

  private constructor(
    private readonly process: LabProcess,
    readonly port: number,
  ) {}

  /** Listens on any port of `address`. */
  static async start(host: LabHost, address: string): Promise<CheckedStreamReceiver> {
    const child = host.spawn(['node', PROGRAM, 'receive', address, '0']);
    const lines: string[] = [];
    let onLine = (line: string): void => void lines.push(line);
    child.onLine((line) => onLine(line));
    const first = await new Promise<string>((resolve, reject) => {
      onLine = resolve;
      if (lines[0] !== undefined) resolve(lines[0]);
      void child.ended.then(() => reject(new Error(`the receiver ended: ${child.stderrTail}`)));
    });
    const receiver = new CheckedStreamReceiver(child, (JSON.parse(first) as { port: number }).port);
    onLine = (line) => {
      receiver.#results.push(JSON.parse(line) as StreamResult);
      receiver.#wake();
    };
    return receiver;
  }

  /** The results of the first `count` streams, when they have ended. */
  async results(count: number): Promise<readonly StreamResult[]> {
    while (this.#results.length < count) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#results.slice(0, count);
  }

  stop(): Promise<unknown> {
    return this.process.stop();
  }
}

/** Sends `bytes` to a receiver, as fast as it goes or at `bytesPerSecond`. */
export function sendCheckedStream(
  host: LabHost,
  address: string,
  port: number,
  bytes: number,
  bytesPerSecond = 0,
): LabProcess {
  return host.spawn(['node', PROGRAM, 'send', address, String(port), String(bytes), String(bytesPerSecond)]);
}
