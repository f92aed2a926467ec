// A thread of relay-gate.spec.ts: takes counters of relay sessions as the transmit worker does, and records each key and counter
// that it would have sealed a frame with, while every access to shared memory may stall.

import { RelaySessionTable } from '@shadownet/relay';
import { PathTable, PeerCells, SessionTable } from '@shadownet/wireguard';
import { parentPort, workerData } from 'node:worker_threads';

import { SendingRelays } from './sending-relays.js';
import { generator, stall, stallAtEveryAccess } from './stalls.contract.js';

export interface RelayGateStart {
  readonly seed: number;
  readonly iterations: number;
  readonly peers: number;
  readonly sessions: SharedArrayBuffer;
  readonly relaySessions: SharedArrayBuffer;
  readonly peerCells: SharedArrayBuffer;
  readonly paths: SharedArrayBuffer;
  readonly reader: number;
}

export interface RelayGateResult {
  /** Key number and counter of each frame that would have been sealed. */
  readonly used: BigUint64Array;
  readonly violations: readonly string[];
}

const start = workerData as RelayGateStart;
const random = generator(start.seed);
stallAtEveryAccess(random);

const sessions = SessionTable.attach(start.sessions, 'transmit');
const table = RelaySessionTable.attach(start.relaySessions);
const peers = new PeerCells(start.peerCells);
const relays = new SendingRelays(table, new PathTable(start.paths));
const used: bigint[] = [];
const violations: string[] = [];

let epoch: number | undefined;
for (let attempts = 0; attempts < start.iterations; attempts++) {
  if (sessions.epoch !== epoch) {
    epoch = sessions.epoch;
    relays.forget();
    sessions.passEpoch(start.reader, epoch);
  }
  const entry = peers.pathEntry(random() % start.peers);
  const relay = entry === undefined ? undefined : relays.find(entry);
  if (!relay) continue;
  const count = 1 + (random() % 3);
  const first = relays.reserve(relay, count);
  if (first === undefined) continue;
  // As long as it takes to seal, the key stays what it is: it is read for each frame.
  for (let i = 0; i < count; i++) {
    stall(random());
    const key = relay.key[0]!;
    // The main thread gives a session a key of one number and a channel that belong together.
    if (key === 0 || relay.key.some((word) => word !== key)) violations.push('a key that was zeroed or torn');
    else if (relay.channel !== key % 60_000) violations.push('the key of another session');
    else used.push((BigInt(key) << 40n) | BigInt(first + i));
  }
}
relays.forget();
sessions.removeReader(start.reader);
parentPort?.postMessage({ used: BigUint64Array.from(used), violations } satisfies RelayGateResult);
