// A UDP socket inside a namespace, in the hands of a test: it sees NATs from outside, plays a decoy, sends nonsense.
import { eventually } from './eventually.js';
import { type LabProcess } from './lab-process.js';
import { type NetworkNamespace } from './network-namespace.js';
import { inRepository } from './repository.js';

export interface ReceivedDatagram {
  /** address:port of the sender as seen here. */
  readonly from: string;
  readonly bytes: Uint8Array;
}

/** What it does with each datagram: nothing, send it back, or answer with the sender's endpoint as text. */
export type UdpAnswer = 'silent' | 'reflect' | 'name';

const PROGRAM = inRepository('test/lab/udp-peer-process.mjs');

export class UdpPeer {
  readonly received: ReceivedDatagram[] = [];

  private constructor(
    readonly port: number,
    private readonly process: LabProcess,
  ) {}

  /** `port` 0: any. */
  static async start(where: NetworkNamespace, port: number, answer: UdpAnswer = 'silent'): Promise<UdpPeer> {
    const child = where.spawn([process.execPath, PROGRAM, String(port), answer]);
    const inbox: string[] = [];
    let deliver = (line: string): void => void inbox.push(line);
    child.onLine((line) => deliver(line));
    const first = await eventually(`a UDP socket in ${where.label}`, 10_000, () => inbox.shift());
    const peer = new UdpPeer((JSON.parse(first) as { port: number }).port, child);
    deliver = (line) => peer.#take(line);
    for (const line of inbox) peer.#take(line);
    return peer;
  }

  /** `to` is address:port. */
  send(to: string, bytes: Uint8Array | string): void {
    this.process.writeLine(JSON.stringify({ to, hex: Buffer.from(bytes).toString('hex') }));
  }

  /** The text of the first answer that `to` gives to a question of ours; asks every 100 ms. */
  ask(to: string, timeoutMs = 3000): Promise<string> {
    const before = this.received.length;
    return eventually(
      `an answer of ${to}`,
      timeoutMs,
      () => {
        const answer = this.received.slice(before).find((datagram) => datagram.from === to);
        if (answer === undefined) this.send(to, 'who am I?');
        return answer === undefined ? undefined : Buffer.from(answer.bytes).toString();
      },
      100,
    );
  }

  async stop(): Promise<void> {
    await this.process.stop();
  }

  #take(line: string): void {
    const { from, hex } = JSON.parse(line) as { from: string; hex: string };
    this.received.push({ from, bytes: new Uint8Array(Buffer.from(hex, 'hex')) });
  }
}
