// A flood of forged initiations against a WireGuard interface: half are nonsense, half have a valid mac1, as anyone can make who
// knows the public key, and so cost the responder more.
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodeCrypto } from '@shadownet/crypto';
import { concatBytes, decodeBase64, encodeUtf8 } from '@shadownet/primitives';
import { eventually } from '../lab/eventually.js';
import { type LabProcess } from '../lab/lab-process.js';
import { type Lab, type LabHost } from '../lab/lab.js';
import { inRepository } from '../lab/repository.js';
import { type WireGuardEnd } from './wireguard-end.js';

const PROGRAM = inRepository('test/wireguard/flood-process.mjs');
const INITIATION_LENGTH = 148;
const MAC_LENGTH = 16;
const MAC1_AT = INITIATION_LENGTH - 2 * MAC_LENGTH;
/** Different datagrams; the responder remembers none of them. */
const POOL = 8192;
/** Set aside for benchmarks of networks (RFC 2544). */
const FLOOD_NETWORK = '198.18.0.0/16';

/** What happened in one second. */
export interface FloodSecond {
  readonly sent: number;
  readonly answers: number;
  readonly answerBytes: number;
}

export class Flood {
  readonly seconds: FloodSecond[] = [];

  private constructor(private readonly process: LabProcess) {
    process.onLine((line) => {
      if (line.startsWith('{')) this.seconds.push(JSON.parse(line) as FloodSecond);
    });
  }

  /** The datagrams come from so many random addresses of FLOOD_NETWORK, which lies behind `from` for the host of the target. */
  static async start(
    lab: Lab,
    from: LabHost,
    target: { readonly address: string; readonly end: WireGuardEnd },
    perSecond: number,
    sources: number,
  ): Promise<Flood> {
    await from.ip('route', 'replace', 'local', FLOOD_NETWORK, 'dev', 'lo');
    await target.end.host.ip('route', 'replace', FLOOD_NETWORK, 'via', from.address);
    const addresses = Array.from({ length: sources }, () => `198.18.${[...randomBytes(2)].join('.')}`);
    const file = join(lab.makeDir('flood'), 'initiations');
    writeFileSync(file, forgedInitiations(target.end.publicKey));
    const argv = [file, target.address, String(target.end.port), String(perSecond), ...addresses];
    const flood = new Flood(from.spawn([process.execPath, PROGRAM, ...argv]));
    await eventually('the flood to begin', 10_000, () => (flood.seconds.length > 0 ? true : undefined));
    return flood;
  }

  /** Until so many more seconds were told of. */
  async goOn(seconds: number): Promise<void> {
    const wanted = this.seconds.length + seconds;
    await eventually('the flood to go on', 3000 * seconds + 10_000, () =>
      this.seconds.length >= wanted ? true : undefined,
    );
  }

  async stop(): Promise<void> {
    await this.process.stop();
  }
}

function forgedInitiations(publicKey: string): Uint8Array {
  const key = nodeCrypto.blake2s(concatBytes(encodeUtf8('mac1----'), decodeBase64(publicKey)!), 32);
  const pool = Array.from({ length: POOL }, (_, i) => {
    const datagram = new Uint8Array(randomBytes(INITIATION_LENGTH));
    datagram.set([1, 0, 0, 0]);
    if (i % 2 === 0) datagram.set(nodeCrypto.blake2s(datagram.subarray(0, MAC1_AT), MAC_LENGTH, key), MAC1_AT);
    return datagram;
  });
  return concatBytes(...pool);
}
