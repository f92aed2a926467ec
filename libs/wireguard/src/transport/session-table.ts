// All transport sessions of a device in one SharedArrayBuffer, so that the core and packet workers run the same code on the
// same state (docs/adr, concurrency rules 1, 2, 4–7). The buffer is made once, for a fixed number of slots.
//
//   header, 128 bytes     slots (4)  epoch (4)  writers (4)  – (4)  epoch seen by each of 24 readers (96)  – (16)
//   slot                  generation, state, local index, remote index, role, peer, confirmed, – (8 × 4)
//                         send counter (8)  greatest received counter (8)  created at (8)
//                         send key (32)  receive key (32)  replay ring (256 × 4)
//                         per writer: last sent, last received, bytes sent, bytes received (4 × 8)
//
// Writers are the main thread, each transmit worker, and the receive workers, which take turns and so count as one: three with
// one pair of workers, and 1,240 bytes for each slot.
//
// A session is named by slot and generation. A slot's generation rises when the session dies, so that a name kept by anyone
// can never reach a later session in the same slot. Between death and reuse all readers must have passed an epoch.
//
// Cells that more than one thread writes, or that order others, are accessed by Atomics. Times and byte counts have one
// writer each and 64-bit alignment: they are plain stores, and a reader may see the value of a moment ago.

import { type Instant, REPLAY_WINDOW_WORDS, ReplayWindow } from '@shadownet/primitives';
import { KEY_LENGTH, REJECT_AFTER_MESSAGES } from '../constants.js';
import type { SessionIndex } from '../session-index.js';

/** A name of a session that stays safe to use when the session is long gone. */
export interface SessionRef {
  readonly slot: number;
  readonly generation: number;
}

export type SessionRole = 'initiator' | 'responder';

/** `next`: derived as responder, not confirmed yet. `dead`: no use any more, waiting for readers to pass. */
export type SessionState = 'free' | 'next' | 'current' | 'previous' | 'dead';

/** Who writes statistics: each has cells of its own, and the main thread adds them up. Of 'transmit' there is one for each pair. */
export type SessionWriter = 'main' | 'transmit' | 'receive';

export interface NewSession {
  readonly state: 'next' | 'current';
  readonly role: SessionRole;
  readonly localIndex: SessionIndex;
  readonly remoteIndex: SessionIndex;
  readonly peer: number;
  readonly createdAt: Instant;
  /** 32 bytes each, copied. */
  readonly sendKey: Uint8Array;
  readonly receiveKey: Uint8Array;
}

/** Sums over all writers; a time of zero means never. */
export interface SessionTraffic {
  readonly lastSentAt: Instant | undefined;
  readonly lastReceivedAt: Instant | undefined;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

const STATES: readonly SessionState[] = ['free', 'next', 'current', 'previous', 'dead'];
const ROLES: readonly SessionRole[] = ['initiator', 'responder'];
const MAIN_WRITER = 0;
const RECEIVE_WRITER = 1;
const FIRST_TRANSMIT_WRITER = 2;

const HEADER_LENGTH = 128;
const SLOT_COUNT_CELL = 0;
const EPOCH_CELL = 1;
const WRITER_COUNT_CELL = 2;
const FIRST_READER_CELL = 4;
const MAX_READERS = 24;
/** The epoch cell of a reader that does not exist. */
const NO_READER = 0;
/** Epochs are odd, so that none is NO_READER even after they have wrapped around 32 bits. */
const FIRST_EPOCH = 1;
const EPOCH_STEP = 2;

// Offsets of 32-bit cells in a slot, in cells.
const GENERATION = 0;
const STATE = 1;
const LOCAL_INDEX = 2;
const REMOTE_INDEX = 3;
const ROLE = 4;
const PEER = 5;
const CONFIRMED = 6;

// Offsets in a slot, in bytes.
const SEND_COUNTER = 32;
const GREATEST_RECEIVED = 40;
const CREATED_AT = 48;
const SEND_KEY = 56;
const RECEIVE_KEY = SEND_KEY + KEY_LENGTH;
const REPLAY_RING = RECEIVE_KEY + KEY_LENGTH;
const TRAFFIC = REPLAY_RING + REPLAY_WINDOW_WORDS * 4;
const TRAFFIC_LENGTH = 32;

// Offsets of 64-bit cells in a writer's part.
const LAST_SENT = 0;
const LAST_RECEIVED = 1;
const BYTES_SENT = 2;
const BYTES_RECEIVED = 3;

/** Views of a slot that are needed for each packet; made once. */
interface SlotViews {
  readonly sendKey: Uint8Array;
  readonly receiveKey: Uint8Array;
  readonly window: ReplayWindow;
}

export class SessionTable {
  /** What another thread needs to attach to the same sessions. */
  readonly buffer: SharedArrayBuffer;
  readonly slots: number;
  readonly #cells: Int32Array;
  readonly #counters: BigUint64Array;
  readonly #numbers: Float64Array;
  readonly #views: (SlotViews | undefined)[] = [];
  readonly #writers: number;
  readonly #slotLength: number;
  /** Where this writer's part of a slot begins. */
  readonly #traffic: number;
  /** Slots ready for use, and those that died with the epoch of their death. Known to the main thread only. */
  readonly #free: number[] = [];
  readonly #retired: { readonly slot: number; readonly epoch: number }[] = [];
  #unused: number;

  private constructor(buffer: SharedArrayBuffer, writer: number) {
    this.buffer = buffer;
    this.#cells = new Int32Array(buffer);
    this.#counters = new BigUint64Array(buffer);
    this.#numbers = new Float64Array(buffer);
    this.slots = this.#cells[SLOT_COUNT_CELL]!;
    this.#writers = this.#cells[WRITER_COUNT_CELL]!;
    if (writer >= this.#writers) throw new RangeError(`a table for ${this.#writers} writers has no place for another`);
    this.#slotLength = slotLength(this.#writers);
    this.#traffic = TRAFFIC + writer * TRAFFIC_LENGTH;
    this.#unused = 0;
  }

  /**
   * A table for `slots` sessions and the statistics of `transmitters` workers that send, owned by the main thread: only it may
   * create, rotate and retire sessions.
   */
  static allocate(slots: number, transmitters = 1): SessionTable {
    const writers = FIRST_TRANSMIT_WRITER + transmitters;
    const buffer = new SharedArrayBuffer(HEADER_LENGTH + slots * slotLength(writers));
    const header = new Int32Array(buffer);
    header[SLOT_COUNT_CELL] = slots;
    header[EPOCH_CELL] = FIRST_EPOCH;
    header[WRITER_COUNT_CELL] = writers;
    return new SessionTable(buffer, MAIN_WRITER);
  }

  /**
   * The table behind `buffer` as another thread uses it, which writes its own statistics cells; `pair` tells those who send
   * apart. Throws RangeError beyond the number that the table was allocated for.
   */
  static attach(buffer: SharedArrayBuffer, writer: Exclude<SessionWriter, 'main'>, pair = 0): SessionTable {
    return new SessionTable(buffer, writer === 'receive' ? RECEIVE_WRITER : FIRST_TRANSMIT_WRITER + pair);
  }

  // ── Life of a session: main thread only ───────────────────────────────────────────────────────────────────────────

  /** Fills a free slot; `undefined` if there is none. */
  open(session: NewSession): SessionRef | undefined {
    this.reclaim();
    const slot = this.#free.pop() ?? (this.#unused < this.slots ? this.#unused++ : undefined);
    if (slot === undefined) return undefined;
    const cell = this.#cell(slot);
    this.#cells[cell + LOCAL_INDEX] = session.localIndex;
    this.#cells[cell + REMOTE_INDEX] = session.remoteIndex;
    this.#cells[cell + ROLE] = ROLES.indexOf(session.role);
    this.#cells[cell + PEER] = session.peer;
    this.#numbers[this.#offset(slot, CREATED_AT) / 8] = session.createdAt;
    const views = this.#viewsOf(slot);
    views.sendKey.set(session.sendKey);
    views.receiveKey.set(session.receiveKey);
    // The state is stored last: whoever sees it live sees all of the above.
    Atomics.store(this.#cells, cell + STATE, STATES.indexOf(session.state));
    return { slot, generation: Atomics.load(this.#cells, cell + GENERATION) };
  }

  /** The session in a slot as it is now, by a name that outlives it; `undefined` if there is none. */
  liveSession(slot: number): SessionRef | undefined {
    const session = { slot, generation: Atomics.load(this.#cells, this.#cell(slot) + GENERATION) };
    return this.isLive(session) ? session : undefined;
  }

  setState(session: SessionRef, state: 'current' | 'previous'): void {
    if (this.isLive(session)) Atomics.store(this.#cells, this.#cell(session.slot) + STATE, STATES.indexOf(state));
  }

  /** Ends a session at once for everybody; its slot is zeroed as soon as no reader can be using it. */
  retire(session: SessionRef): void {
    if (!this.isLive(session)) return;
    const cell = this.#cell(session.slot);
    Atomics.store(this.#cells, cell + STATE, STATES.indexOf('dead'));
    Atomics.add(this.#cells, cell + GENERATION, 1);
    this.#retired.push({ slot: session.slot, epoch: this.raiseEpoch() });
    this.reclaim();
  }

  /** Zeroes and frees the retired slots that all readers have passed. */
  reclaim(): void {
    while (this.#retired.length > 0 && this.#isPassed(this.#retired[0]!.epoch)) {
      const { slot } = this.#retired.shift()!;
      const generation = Atomics.load(this.#cells, this.#cell(slot) + GENERATION);
      const start = this.#offset(slot, 0);
      new Uint8Array(this.buffer, start, this.#slotLength).fill(0);
      Atomics.store(this.#cells, this.#cell(slot) + GENERATION, generation);
      this.#free.push(slot);
    }
  }

  /** True if a slot is dead and not yet zeroed because a reader has still to pass. */
  get hasRetired(): boolean {
    return this.#retired.length > 0;
  }

  /** The number of the latest change after which readers have to let go of what they hold. */
  get epoch(): number {
    return Atomics.load(this.#cells, EPOCH_CELL);
  }

  /** Begins an epoch and returns it: what was withdrawn before may be used again once `hasPassed`. Main thread only. */
  raiseEpoch(): number {
    return (Atomics.add(this.#cells, EPOCH_CELL, EPOCH_STEP) + EPOCH_STEP) | 0;
  }

  /** True when all readers have let go of what they held before `epoch` began. */
  hasPassed(epoch: number): boolean {
    return this.#isPassed(epoch);
  }

  // ── Readers: a worker passes an epoch when it holds no session and no key any more ────────────────────────────────

  /** Registers a thread that uses sessions; from now on nothing is zeroed or used again before it has passed. */
  addReader(): number {
    for (let reader = 0; reader < MAX_READERS; reader++) {
      const epoch = Atomics.load(this.#cells, EPOCH_CELL);
      const cell = FIRST_READER_CELL + reader;
      if (Atomics.compareExchange(this.#cells, cell, NO_READER, epoch) === NO_READER) return reader;
    }
    throw new RangeError(`more than ${MAX_READERS} readers of a session table`);
  }

  /**
   * Says that the reader holds nothing that was withdrawn before `epoch`, which is the present one unless it was asked for
   * earlier: whoever does more than letting go of sessions asks first, acts, and then passes what it asked for.
   */
  passEpoch(reader: number, epoch = this.epoch): void {
    Atomics.store(this.#cells, FIRST_READER_CELL + reader, epoch);
  }

  removeReader(reader: number): void {
    Atomics.store(this.#cells, FIRST_READER_CELL + reader, NO_READER);
  }

  // ── Every packet ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** False once the session was retired. Ask again after each step that took time (rules 2 and 4). */
  isLive(session: SessionRef): boolean {
    const cell = this.#cell(session.slot);
    if (Atomics.load(this.#cells, cell + GENERATION) !== session.generation) return false;
    const state = STATES[Atomics.load(this.#cells, cell + STATE)];
    return state !== 'free' && state !== 'dead';
  }

  /**
   * Reserves `count` consecutive counters for sending and returns the first. They are the caller's to use once or to lose;
   * none is ever given back. `undefined` if the session is dead, or would go past the last valid counter.
   */
  reserveCounters(session: SessionRef, count: number): bigint | undefined {
    if (!this.isLive(session)) return undefined;
    // Read before adding: refused callers must not push the counter on until it wraps. Several threads that read at the same
    // moment overshoot by a batch each, and 2^13 counters above the limit are there for that.
    if (this.sendCounter(session) >= REJECT_AFTER_MESSAGES) return undefined;
    const cell = this.#offset(session.slot, SEND_COUNTER) / 8;
    const first = Atomics.add(this.#counters, cell, BigInt(count));
    if (first + BigInt(count) > REJECT_AFTER_MESSAGES) return undefined;
    // The slot may have changed hands between the first look and the reservation.
    return this.isLive(session) ? first : undefined;
  }

  /** How many counters were reserved so far. */
  sendCounter(session: SessionRef): bigint {
    return Atomics.load(this.#counters, this.#offset(session.slot, SEND_COUNTER) / 8);
  }

  /** 32 bytes in shared memory, not a copy. */
  sendKey(session: SessionRef): Uint8Array {
    return this.#viewsOf(session.slot).sendKey;
  }

  /** 32 bytes in shared memory, not a copy. */
  receiveKey(session: SessionRef): Uint8Array {
    return this.#viewsOf(session.slot).receiveKey;
  }

  replayWindow(session: SessionRef): ReplayWindow {
    return this.#viewsOf(session.slot).window;
  }

  localIndex(session: SessionRef): SessionIndex {
    return (this.#cells[this.#cell(session.slot) + LOCAL_INDEX]! >>> 0) as SessionIndex;
  }

  remoteIndex(session: SessionRef): SessionIndex {
    return (this.#cells[this.#cell(session.slot) + REMOTE_INDEX]! >>> 0) as SessionIndex;
  }

  role(session: SessionRef): SessionRole {
    return ROLES[this.#cells[this.#cell(session.slot) + ROLE]!]!;
  }

  /** The number that the device gave to the peer. */
  peer(session: SessionRef): number {
    return this.#cells[this.#cell(session.slot) + PEER]!;
  }

  state(session: SessionRef): SessionState {
    return STATES[Atomics.load(this.#cells, this.#cell(session.slot) + STATE)]!;
  }

  createdAt(session: SessionRef): Instant {
    return this.#numbers[this.#offset(session.slot, CREATED_AT) / 8]! as Instant;
  }

  /** The receiver's note to the main thread that the peer uses this `next` session. True for the first caller only. */
  confirm(session: SessionRef): boolean {
    return Atomics.exchange(this.#cells, this.#cell(session.slot) + CONFIRMED, 1) === 0;
  }

  isConfirmed(session: SessionRef): boolean {
    return Atomics.load(this.#cells, this.#cell(session.slot) + CONFIRMED) === 1;
  }

  recordSent(session: SessionRef, now: Instant, bytes: number): void {
    const cell = this.#offset(session.slot, this.#traffic) / 8;
    this.#numbers[cell + LAST_SENT] = now;
    this.#numbers[cell + BYTES_SENT]! += bytes;
  }

  recordReceived(session: SessionRef, now: Instant, bytes: number): void {
    const cell = this.#offset(session.slot, this.#traffic) / 8;
    this.#numbers[cell + LAST_RECEIVED] = now;
    this.#numbers[cell + BYTES_RECEIVED]! += bytes;
  }

  traffic(session: SessionRef): SessionTraffic {
    let lastSentAt: Instant | undefined;
    let lastReceivedAt: Instant | undefined;
    let bytesSent = 0;
    let bytesReceived = 0;
    for (let writer = 0; writer < this.#writers; writer++) {
      const cell = this.#offset(session.slot, TRAFFIC + writer * TRAFFIC_LENGTH) / 8;
      const sent = this.#numbers[cell + BYTES_SENT]!;
      const received = this.#numbers[cell + BYTES_RECEIVED]!;
      if (sent > 0) lastSentAt = later(lastSentAt, this.#numbers[cell + LAST_SENT]! as Instant);
      if (received > 0) lastReceivedAt = later(lastReceivedAt, this.#numbers[cell + LAST_RECEIVED]! as Instant);
      bytesSent += sent;
      bytesReceived += received;
    }
    return { lastSentAt, lastReceivedAt, bytesSent, bytesReceived };
  }

  #isPassed(epoch: number): boolean {
    for (let reader = 0; reader < MAX_READERS; reader++) {
      const seen = Atomics.load(this.#cells, FIRST_READER_CELL + reader);
      if (seen !== NO_READER && ((seen - epoch) | 0) < 0) return false;
    }
    return true;
  }

  #offset(slot: number, field: number): number {
    return HEADER_LENGTH + slot * this.#slotLength + field;
  }

  #cell(slot: number): number {
    return this.#offset(slot, 0) / 4;
  }

  #viewsOf(slot: number): SlotViews {
    return (this.#views[slot] ??= {
      sendKey: new Uint8Array(this.buffer, this.#offset(slot, SEND_KEY), KEY_LENGTH),
      receiveKey: new Uint8Array(this.buffer, this.#offset(slot, RECEIVE_KEY), KEY_LENGTH),
      window: new ReplayWindow(
        new BigUint64Array(this.buffer, this.#offset(slot, GREATEST_RECEIVED), 1),
        new Uint32Array(this.buffer, this.#offset(slot, REPLAY_RING), REPLAY_WINDOW_WORDS),
        REJECT_AFTER_MESSAGES,
      ),
    });
  }
}

function slotLength(writers: number): number {
  return TRAFFIC + writers * TRAFFIC_LENGTH;
}

function later(a: Instant | undefined, b: Instant): Instant {
  return a === undefined || b > a ? b : a;
}
