// What a node keeps between runs: one small file per fact, in a directory of mode 0700 (docs/node-runtime.md, "State").
//
//   private.key      the node's identity
//   node-id          the UUID that the node made for itself
//   server.pub       the control server's public key, pinned on first contact
//   port             the UDP port of the last run: peers and NATs find the node where it was
//   relay-transport  how a relay was reached last: udp or stream
//   tai64n           handshake timestamps up to here (ns since the Unix epoch) may have been used
//   probe-counter    probe counters up to here may have been used

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RandomBytes } from '@shadownet/crypto';
import { encodePublicKey, parsePublicKey, type PublicKey } from '@shadownet/primitives';
import type { RelayTransport } from '@shadownet/relay';
import { NodeError } from '../node-error.js';
import { ensurePrivateDirectory, replaceFile, unusable } from './private-directory.js';
import { type LoadedPrivateKey, loadPrivateKey } from './private-key-file.js';

/** More than a run sends towards any peer: the 80 a second of a search come to that in 4 years. As time it is 10 s. */
const PROBES_PER_RUN = 10_000_000_000n;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export class StateDirectory {
  readonly path: string;

  /** Makes the directory if it is missing. Throws `state-exposed` or `state-unusable`. */
  constructor(path: string) {
    ensurePrivateDirectory(path);
    this.path = path;
  }

  loadPrivateKey(random: RandomBytes): LoadedPrivateKey {
    return loadPrivateKey(this.#file('private.key'), random);
  }

  loadNodeId(): string {
    const known = this.#read('node-id', (text) => (UUID.test(text) ? text : undefined));
    if (known !== undefined) return known;
    const id = randomUUID();
    this.#write('node-id', id);
    return id;
  }

  get serverKey(): PublicKey | undefined {
    return this.#read('server.pub', parsePublicKey);
  }

  pinServerKey(key: PublicKey): void {
    this.#write('server.pub', encodePublicKey(key));
  }

  get serverKeyFile(): string {
    return this.#file('server.pub');
  }

  get port(): number | undefined {
    return this.#read('port', (text) => {
      const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
      return port >= 1 && port <= 0xffff ? port : undefined;
    });
  }

  rememberPort(port: number): void {
    if (this.port !== port) this.#write('port', String(port));
  }

  /** By which a relay was reached last. */
  get relayTransport(): RelayTransport | undefined {
    return this.#read('relay-transport', (text) => (text === 'udp' || text === 'stream' ? text : undefined));
  }

  rememberRelayTransport(transport: RelayTransport): void {
    if (this.relayTransport !== transport) this.#write('relay-transport', transport);
  }

  /** Nanoseconds since the Unix epoch; 0 if no handshake timestamp was ever used. */
  get reservedTimestamps(): bigint {
    return this.#read('tai64n', (text) => (/^\d{1,20}$/.test(text) ? BigInt(text) : undefined)) ?? 0n;
  }

  reserveTimestamps(untilNanoseconds: bigint): void {
    this.#write('tai64n', String(untilNanoseconds));
  }

  /**
   * Where the probe counters of this run begin: at the wall clock, or above those of the last run if the clock has gone back.
   * To be called once per run. A state that was lost costs nothing as long as the clock is right.
   */
  takeProbeCounters(wallNanoseconds: bigint): bigint {
    const used = this.#read('probe-counter', (text) => (/^\d{1,20}$/.test(text) ? BigInt(text) : undefined)) ?? 0n;
    const first = wallNanoseconds > used ? wallNanoseconds : used + 1n;
    this.#write('probe-counter', String(first + PROBES_PER_RUN));
    return first;
  }

  /** As `storeNetwork` wrote it, or as somebody else did. */
  get storedNetwork(): string | undefined {
    return this.#read('network', (text) => text);
  }

  storeNetwork(text: string): void {
    this.#write('network', text);
  }

  /** What the file says, `undefined` if there is none. Throws `state-unusable` if `parse` makes nothing of it. */
  #read<T>(name: string, parse: (text: string) => T | undefined): T | undefined {
    const path = this.#file(name);
    let text: string;
    try {
      text = readFileSync(path, 'utf8').trim();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw unusable(path, error);
    }
    const value = parse(text);
    if (value === undefined) throw new NodeError('state-unusable', `${path} is damaged: delete it or restore it`);
    return value;
  }

  #write(name: string, text: string): void {
    replaceFile(this.#file(name), `${text}\n`);
  }

  #file(name: string): string {
    return join(this.path, name);
  }
}
