// A user-space forwarder that treats datagrams badly, where the kernel has no netem. The end that speaks to `port` first is its
// client; the other end sees the forwarder as its peer.
import { type LabProcess } from '../lab/lab-process.js';
import { eventually } from '../lab/eventually.js';
import { type LabHost } from '../lab/lab.js';
import { inRepository } from '../lab/repository.js';

const PROGRAM = inRepository('test/wireguard/rough-forwarder-process.mjs');

export interface RoughNetwork {
  readonly seed: number;
  /** Probabilities of 0…1, of each datagram in each direction. */
  readonly loss: number;
  readonly duplication: number;
  readonly reordering: number;
  /** Of each datagram, and at most on top of that for one that is reordered. */
  readonly delayMs: number;
  readonly reorderMs: number;
}

export interface RoughCounts {
  readonly forwarded: number;
  readonly lost: number;
  readonly doubled: number;
  readonly reordered: number;
}

export class RoughForwarder {
  private constructor(
    private readonly process: LabProcess,
    private readonly lines: string[],
  ) {}

  static async start(
    where: LabHost,
    port: number,
    target: { readonly address: string; readonly port: number },
    network: RoughNetwork,
  ): Promise<RoughForwarder> {
    const argv = [String(port), target.address, String(target.port), JSON.stringify(network)];
    const child = where.spawn([process.execPath, PROGRAM, ...argv]);
    const lines: string[] = [];
    child.onLine((line) => lines.push(line));
    await eventually('the forwarder', 10_000, () => lines.shift());
    return new RoughForwarder(child, lines);
  }

  /** What it did to datagrams. */
  async stop(): Promise<RoughCounts> {
    await this.process.stop();
    return JSON.parse(this.lines.at(-1) ?? '{}') as RoughCounts;
  }
}
