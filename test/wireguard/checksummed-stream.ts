// Random bytes over TCP from one end of a tunnel to the other, of which both ends compute a hash.
import { type LabProcess } from '../lab/lab-process.js';
import { eventually } from '../lab/eventually.js';
import { type LabHost } from '../lab/lab.js';
import { inRepository } from '../lab/repository.js';

const PROGRAM = inRepository('test/wireguard/checksummed-stream-process.mjs');

export interface StreamResult {
  /** "<bytes> <sha256>" by the sender and by the receiver: equal unless a byte is wrong or missing. */
  readonly sent: string;
  readonly received: string;
  readonly seconds: number;
}

let ports = 7000;

/** Throws if it has not ended after `timeoutMs`. */
export async function sendChecksummed(
  from: LabHost,
  to: LabHost,
  address: string,
  bytes: number,
  timeoutMs: number,
): Promise<StreamResult> {
  const port = String(++ports);
  const receiver = to.spawn([process.execPath, PROGRAM, 'receive', address, port]);
  const lines = linesOf(receiver);
  try {
    await eventually('the receiver to listen', 5000, () => lines.shift());
    const startedAt = performance.now();
    const argv = [process.execPath, PROGRAM, 'send', address, port, String(bytes)];
    const sent = (await from.run(argv, { timeoutMs })).stdout.trim();
    const received = await eventually('the end of the stream', timeoutMs, () => lines.shift());
    return { sent, received, seconds: (performance.now() - startedAt) / 1000 };
  } finally {
    await receiver.stop();
  }
}

function linesOf(process: LabProcess): string[] {
  const lines: string[] = [];
  process.onLine((line) => lines.push(line));
  return lines;
}
