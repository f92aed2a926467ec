// A thread of nonce-gate.spec.ts: takes counters as the transmit worker does, and records each key and counter that it would
// have sealed with, while every access to shared memory may stall.

import { instant } from '@shadownet/primitives';
import { PathTable, PeerCells, SessionTable } from '@shadownet/wireguard';
import { parentPort, workerData } from 'node:worker_threads';

import { SendingSessions } from './sending-sessions.js';
import { generator, stallAtEveryAccess } from './stalls.contract.js';

export interface GateStart {
  readonly seed: number;
  readonly iterations: number;
  readonly peers: number;
  readonly sessions: SharedArrayBuffer;
  readonly peerCells: SharedArrayBuffer;
  readonly paths: SharedArrayBuffer;
  /** Set when it is over. */
  readonly stop: SharedArrayBuffer;
  readonly reader: number;
}

export interface GateResult {
  /** Of which there was a session to try with. */
  readonly attempts: number;
  /** Key number and counter of each packet that would have been sealed. */
  readonly used: BigUint64Array;
  readonly violations: readonly string[];
}

const start = workerData as GateStart;
const random = generator(start.seed);
stallAtEveryAccess(random);

const sessions = SessionTable.attach(start.sessions, 'transmit');
const peers = new PeerCells(start.peerCells);
const paths = new PathTable(start.paths);
const stop = new Int32Array(start.stop);
const used: bigint[] = [];
const violations: string[] = [];
const held = new Uint8Array(32);
const sending = new SendingSessions(sessions, peers, {
  setKey: (key) => held.set(key),
  forgetKey: () => held.fill(0),
});

let epoch: number | undefined;
let attempts = 0;
while (Atomics.load(stop, 0) === 0 && attempts < start.iterations) {
  if (sessions.epoch !== epoch) {
    epoch = sessions.epoch;
    sending.forget();
    sessions.passEpoch(start.reader, epoch);
  }
  const peer = random() % start.peers;
  const destination = sending.find(peer, instant(0));
  if (!destination) continue;
  attempts++;
  checkPath(destination.pathEntry);
  const count = 1 + (random() % 3);
  const first = sending.reserve(destination, count);
  if (first === undefined) continue;
  const key = keyNumber(held);
  if (key === undefined) violations.push('sealed under a key that was zeroed or torn');
  else for (let i = 0; i < count; i++) used.push((BigInt(key) << 32n) | (first + BigInt(i)));
}
sending.forget();
sessions.removeReader(start.reader);
parentPort?.postMessage({ attempts, used: BigUint64Array.from(used), violations } satisfies GateResult);

/** The main thread writes one number all over a key. */
function keyNumber(key: Uint8Array): number | undefined {
  const words = new Uint32Array(key.buffer, key.byteOffset, 8);
  return words[0] !== 0 && words.every((word) => word === words[0]) ? words[0] : undefined;
}

/** The main thread gives each entry an address and a port that belong together. */
function checkPath(entry: number): void {
  const port = paths.port(entry);
  const address = paths.addressBytes(entry);
  if (paths.port(entry) !== port || address[3] !== port % 251) violations.push('a path changed while it was in use');
}
