// What passes between the main thread and its workers: how a worker is started, the few messages it gets later, and the
// cells that both look at. Packets never travel by message.

import type { SocketFamily } from '@shadownet/native';
import type { HandshakeKeys, PacketFilterTable, WorkerBuffers } from '@shadownet/wireguard';
import type { MessagePort } from 'node:worker_threads';

export type WorkerRole = 'transmit' | 'receive';

/** The workerData of a packet worker. */
export interface WorkerStart {
  readonly role: WorkerRole;
  /** Which of the pairs it belongs to, from 0. */
  readonly pair: number;
  /** A queue for each pair: a worker reads its own, and writes to all. */
  readonly tun: { readonly queues: readonly number[]; readonly mtu: number; readonly joinsUdp: boolean };
  /** The eventfd that ends the worker's wait. */
  readonly doorbell: number;
  readonly device: WorkerBuffers;
  /** RelaySessionTable's buffer. */
  readonly relaySessions: SharedArrayBuffer;
  /** WorkerControl's buffer. */
  readonly control: SharedArrayBuffer;
  /** ReceiveOrder's buffer, the same for all. */
  readonly order: SharedArrayBuffer;
  /** Rings to the main thread, by class: `unsent` of this pair, the others those of all receive workers. */
  readonly rings: Readonly<Record<RingClass, SharedArrayBuffer>>;
  /** Messages of the main thread; read when an epoch begins. */
  readonly port: MessagePort;
  /** The main thread's clock less process.hrtime, in milliseconds. */
  readonly clockOffset: number;
}

/** transmit writes packets without a session; receive writes the others, when it is its turn. */
export type RingClass = 'unsent' | 'handshakes' | 'probes' | 'relayFrames';

export type WorkerMessage =
  /** The socket to use from now on, or none. The old one is closed once the worker has passed the epoch. */
  | { readonly kind: 'socket'; readonly socket: WorkerSocket | undefined }
  | { readonly kind: 'allowed-ips'; readonly table: SharedArrayBuffer }
  /** To those that receive: what handshake messages are checked with; none without a private key. */
  | { readonly kind: 'handshake-keys'; readonly keys: HandshakeKeys | undefined }
  /** To those that receive: the texts (formatEndpoint) of where frames of relays come from. None at first. */
  | { readonly kind: 'relays'; readonly endpoints: readonly string[] }
  | { readonly kind: 'filter'; readonly table: PacketFilterTable | undefined }
  | { readonly kind: 'mtu'; readonly mtu: number };

export interface WorkerSocket {
  readonly descriptor: number;
  readonly family: SocketFamily;
}

/** Said by a worker, at most one until the main thread has looked: there is something in a ring or in the cells. */
export const NOTICE = 'notice';

export const WORKER_COUNTERS = [
  // transmit
  'packetsSent',
  'bytesSent',
  'batchesSent',
  'handedToCore',
  'noPeerForDestination',
  'malformedPacket',
  'sendFailed',
  'sentUnsegmented',
  'sourceRefused',
  'relayedSent',
  // receive
  'datagramsReceived',
  'bytesReceived',
  'receives',
  'unknownIndex',
  'sessionExpired',
  'replayedCounter',
  'unauthenticated',
  'sourceNotAllowed',
  'congestedNotEct',
  'malformedInner',
  'notForUs',
  'sessionEnded',
  'relayedReceived',
  'relayFrameUnauthentic',
  'relayFrameReplayed',
  'tunWrites',
  'tunWriteFailed',
  'noPrivateKey',
  'invalidMac1',
  'underLoad',
  'rateLimited',
  'unexpectedReply',
  // both
  'filterDenied',
  'filterUnreadable',
] as const;

export type WorkerCounter = (typeof WORKER_COUNTERS)[number];

const STOP = 0;
const NOTICED = 1;
const WATCHED = 2;
const FIRST_COUNTER_BYTE = 16;

/** Cells of one worker. */
export class WorkerControl {
  readonly buffer: SharedArrayBuffer;
  readonly #cells: Int32Array;
  readonly #counters: Float64Array;

  constructor(buffer = new SharedArrayBuffer(FIRST_COUNTER_BYTE + WORKER_COUNTERS.length * 8)) {
    this.buffer = buffer;
    this.#cells = new Int32Array(buffer, 0, 4);
    this.#counters = new Float64Array(buffer, FIRST_COUNTER_BYTE);
  }

  /** Main thread: the worker ends at its next look. */
  stop(): void {
    Atomics.store(this.#cells, STOP, 1);
  }

  get isStopped(): boolean {
    return Atomics.load(this.#cells, STOP) === 1;
  }

  /** Worker: true if the main thread has to be told, false if it was told and has not looked yet. */
  raiseNotice(): boolean {
    return Atomics.exchange(this.#cells, NOTICED, 1) === 0;
  }

  /** Main thread, before it looks: what comes from now on is told anew. */
  lowerNotice(): void {
    Atomics.store(this.#cells, NOTICED, 0);
  }

  /** Main thread: whether it looks at the cells from time to time anyway. */
  setWatched(watched: boolean): void {
    Atomics.store(this.#cells, WATCHED, watched ? 1 : 0);
  }

  get isWatched(): boolean {
    return Atomics.load(this.#cells, WATCHED) === 1;
  }

  /** Worker only. */
  count(counter: number, by = 1): void {
    this.#counters[counter]! += by;
  }

  counters(): Record<WorkerCounter, number> {
    return Object.fromEntries(WORKER_COUNTERS.map((name, i) => [name, this.#counters[i]!])) as Record<
      WorkerCounter,
      number
    >;
  }
}

/** The places of the counters, for `count`. */
export const COUNTER = Object.fromEntries(WORKER_COUNTERS.map((name, i) => [name, i])) as Readonly<
  Record<WorkerCounter, number>
>;
