// What the main thread tells packet workers of each peer, and what they tell it, in a SharedArrayBuffer. Every cell has one
// writer; the receive workers take turns and count as one. (The largest lengths are the exception: they need not be exact.) Peers have the numbers that the session table knows them by.
//
//   header, 64 bytes  transmitters, peers (2 × 4)
//   peer              by main       current session's slot + 1, path entry + 1 (2 × 4); 0 is none
//                     by receive    observation: version, family, port (3 × 4)
//                                   where the latest message came from (4): 0 the peer's path, 1 elsewhere
//                                   address of the observation (16)
//                     by receive    last received, last data received (2 × 8)
//                                   local address of the observation (16), zone (4)
//                                   largest datagram received (4), taken by main
//                     by transmit   largest datagram sent (4), taken by main  – (4)
//                     by each transmit worker   last sent (8)
//   a bit for each peer, set by workers when they have written cells of it, cleared by main when it looks at them
//
// An observation is how an authentic message came that did not come by the peer's path, or to another local address. Its version is odd while it is
// being written, so that a torn one is never used. Only the newest counts, so none has to be kept. Of one that came by a relay the family
// is 0, port and zone are channel and slot of the relay session, and the address begins with its generation.

import {
  type Endpoint,
  endpoint,
  type Instant,
  type IpAddress,
  ipAddressFromBytes,
  type UdpPath,
  udpPath,
} from '@shadownet/primitives';
import type { RelayOrigin } from './relay-route.js';

const HEADER_LENGTH = 64;
/** Of a peer, before the cells of those who send. */
const COMMON_LENGTH = 88;
const CURRENT = 0;
const PATH = 1;
const VERSION = 2;
const FAMILY = 3;
const PORT = 4;
const ARRIVAL = 5;
const ADDRESS = 24;
const RELAY_GENERATION = ADDRESS / 4;
const RECEIVED_AT = 5;
const DATA_RECEIVED_AT = 6;
const LOCAL = 56;
const ZONE = 18;
const LARGEST_RECEIVED = 19;
const LARGEST_SENT = 20;
const SENT_AT = 11;

const NONE = 0;
const BY_PATH = 0;
const ELSEWHERE = 1;
const FAMILY_OF_RELAY = 0;

export type Observation =
  { readonly kind: 'udp'; readonly path: UdpPath } | { readonly kind: 'relay'; readonly origin: RelayOrigin };

export class PeerCells {
  readonly buffer: SharedArrayBuffer;
  readonly peers: number;
  readonly #transmitters: number;
  /** The cell with the first 32 bits. */
  readonly #active: number;
  readonly #peerLength: number;
  readonly #sentAt: number;
  readonly #cells: Int32Array;
  readonly #numbers: Float64Array;
  readonly #bytes: Uint8Array;

  /** `transmitter` is the number of the worker that sends, if that is who uses the cells. */
  constructor(source: { readonly peers: number; readonly transmitters?: number } | SharedArrayBuffer, transmitter = 0) {
    if (source instanceof SharedArrayBuffer) this.buffer = source;
    else {
      const { peers, transmitters = 1 } = source;
      const length = HEADER_LENGTH + peers * peerLength(transmitters) + Math.ceil(peers / 64) * 8;
      this.buffer = new SharedArrayBuffer(length);
      new Int32Array(this.buffer).set([transmitters, peers]);
    }
    this.#cells = new Int32Array(this.buffer);
    this.#transmitters = this.#cells[0]!;
    this.peers = this.#cells[1]!;
    this.#peerLength = peerLength(this.#transmitters);
    this.#active = this.#cell(this.peers);
    this.#sentAt = SENT_AT + transmitter;
    this.#numbers = new Float64Array(this.buffer);
    this.#bytes = new Uint8Array(this.buffer);
  }

  // ── Written by the main thread ────────────────────────────────────────────────────────────────────────────────────

  /** All cells of a number that nobody uses. */
  clear(peer: number): void {
    this.#bytes.fill(0, this.#start(peer), this.#start(peer + 1));
  }

  setCurrentSlot(peer: number, slot: number | undefined): void {
    Atomics.store(this.#cells, this.#cell(peer) + CURRENT, slot === undefined ? NONE : slot + 1);
  }

  currentSlot(peer: number): number | undefined {
    const value = Atomics.load(this.#cells, this.#cell(peer) + CURRENT);
    return value === NONE ? undefined : value - 1;
  }

  setPathEntry(peer: number, entry: number | undefined): void {
    Atomics.store(this.#cells, this.#cell(peer) + PATH, entry === undefined ? NONE : entry + 1);
  }

  pathEntry(peer: number): number | undefined {
    const value = Atomics.load(this.#cells, this.#cell(peer) + PATH);
    return value === NONE ? undefined : value - 1;
  }

  // ── Written by workers ────────────────────────────────────────────────────────────────────────────────────────────

  /** `largestBytes` is the length of the largest datagram, as `recordReceived`'s. */
  recordSent(peer: number, now: Instant, largestBytes: number): void {
    this.#numbers[this.#number(peer) + this.#sentAt] = now;
    this.#noteLargest(this.#cell(peer) + LARGEST_SENT, largestBytes);
    this.#noteActive(peer);
  }

  recordReceived(peer: number, now: Instant, largestBytes: number): void {
    this.#numbers[this.#number(peer) + RECEIVED_AT] = now;
    this.#noteLargest(this.#cell(peer) + LARGEST_RECEIVED, largestBytes);
    this.#noteActive(peer);
  }

  recordDataReceived(peer: number, now: Instant): void {
    this.#numbers[this.#number(peer) + DATA_RECEIVED_AT] = now;
    this.#noteActive(peer);
  }

  /** Zero stands for never, in these three. */
  sentAt(peer: number): Instant {
    const first = this.#number(peer) + SENT_AT;
    let latest = this.#numbers[first]!;
    for (let i = 1; i < this.#transmitters; i++) latest = Math.max(latest, this.#numbers[first + i]!);
    return latest as Instant;
  }

  receivedAt(peer: number): Instant {
    return this.#numbers[this.#number(peer) + RECEIVED_AT]! as Instant;
  }

  dataReceivedAt(peer: number): Instant {
    return this.#numbers[this.#number(peer) + DATA_RECEIVED_AT]! as Instant;
  }

  /** Of the largest datagram sent since the last call; 0 if none was. */
  takeLargestSent(peer: number): number {
    return Atomics.exchange(this.#cells, this.#cell(peer) + LARGEST_SENT, 0);
  }

  /** Of the largest datagram received since the last call; 0 if none was. */
  takeLargestReceived(peer: number): number {
    return Atomics.exchange(this.#cells, this.#cell(peer) + LARGEST_RECEIVED, 0);
  }

  /** To be told when it changes, before `recordReceived`. */
  setArrival(peer: number, arrival: 'by-path' | 'elsewhere'): void {
    Atomics.store(this.#cells, this.#cell(peer) + ARRIVAL, arrival === 'by-path' ? BY_PATH : ELSEWHERE);
  }

  /** Whether the latest message of the peer came by its path. */
  arrival(peer: number): 'by-path' | 'elsewhere' {
    return Atomics.load(this.#cells, this.#cell(peer) + ARRIVAL) === BY_PATH ? 'by-path' : 'elsewhere';
  }

  observe(peer: number, { address, port, zone = 0 }: Endpoint, local: IpAddress | undefined): void {
    const cell = this.#cell(peer);
    const start = this.#start(peer);
    Atomics.add(this.#cells, cell + VERSION, 1);
    Atomics.store(this.#cells, cell + FAMILY, address.family);
    Atomics.store(this.#cells, cell + PORT, port);
    Atomics.store(this.#cells, cell + ZONE, zone);
    this.#bytes.set(address.bytes, start + ADDRESS);
    this.#bytes.fill(0, start + LOCAL, start + LOCAL + 16);
    if (local?.family === address.family) this.#bytes.set(local.bytes, start + LOCAL);
    Atomics.add(this.#cells, cell + VERSION, 1);
    this.#noteActive(peer);
  }

  /** As `observe`, of a message that came by a relay. */
  observeRelayed(peer: number, { session, channel }: RelayOrigin): void {
    const cell = this.#cell(peer);
    Atomics.add(this.#cells, cell + VERSION, 1);
    Atomics.store(this.#cells, cell + FAMILY, FAMILY_OF_RELAY);
    Atomics.store(this.#cells, cell + PORT, channel);
    Atomics.store(this.#cells, cell + ZONE, session.slot);
    Atomics.store(this.#cells, cell + RELAY_GENERATION, session.generation);
    Atomics.add(this.#cells, cell + VERSION, 1);
    this.#noteActive(peer);
  }

  /** Even when an observation is whole; rises by two with each. */
  observationVersion(peer: number): number {
    return Atomics.load(this.#cells, this.#cell(peer) + VERSION);
  }

  /** The latest observation, if it is whole and stays so while it is read. */
  observation(peer: number): Observation | undefined {
    const version = this.observationVersion(peer);
    if (version === 0 || (version & 1) !== 0) return undefined;
    const observation = this.#readObservation(peer);
    return this.observationVersion(peer) === version ? observation : undefined;
  }

  #readObservation(peer: number): Observation {
    const cell = this.#cell(peer);
    const family = Atomics.load(this.#cells, cell + FAMILY);
    const port = Atomics.load(this.#cells, cell + PORT);
    const zone = Atomics.load(this.#cells, cell + ZONE);
    if (family === FAMILY_OF_RELAY) {
      const generation = Atomics.load(this.#cells, cell + RELAY_GENERATION);
      return { kind: 'relay', origin: { session: { slot: zone, generation }, channel: port } };
    }
    const length = family === 4 ? 4 : 16;
    const [address, local] = [ADDRESS, LOCAL].map((offset) => {
      const start = this.#start(peer) + offset;
      return this.#bytes.slice(start, start + length);
    }) as [Uint8Array, Uint8Array];
    const isLocalKnown = local.some((byte) => byte !== 0);
    const remote = endpoint(ipAddressFromBytes(address), port, zone);
    return { kind: 'udp', path: udpPath(remote, isLocalKnown ? ipAddressFromBytes(local) : undefined) };
  }

  /** The numbers of all peers for which something was recorded since the last call: with many of them, few are looked at. */
  takeActive(): number[] {
    const active: number[] = [];
    for (let word = 0; word * 32 < this.peers; word++) {
      if (Atomics.load(this.#cells, this.#active + word) === 0) continue;
      let bits = Atomics.exchange(this.#cells, this.#active + word, 0);
      for (; bits !== 0; bits &= bits - 1) active.push(word * 32 + 31 - Math.clz32(bits & -bits));
    }
    return active;
  }

  /** Two transmitters at once, or one while main takes it, may lose one of the lengths. There will be more of them while it matters. */
  #noteLargest(cell: number, bytes: number): void {
    if (bytes > Atomics.load(this.#cells, cell)) Atomics.store(this.#cells, cell, bytes);
  }

  /** After what it is about was written: whoever takes the bit then sees that. Setting it is what orders the two, even if it is set already. */
  #noteActive(peer: number): void {
    Atomics.or(this.#cells, this.#active + (peer >> 5), 1 << (peer & 31));
  }

  #cell(peer: number): number {
    return this.#start(peer) / 4;
  }

  #number(peer: number): number {
    return this.#start(peer) / 8;
  }

  #start(peer: number): number {
    return HEADER_LENGTH + peer * this.#peerLength;
  }
}

function peerLength(transmitters: number): number {
  return COMMON_LENGTH + transmitters * 8;
}
