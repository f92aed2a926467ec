// A client's relay sessions as packet workers use them beside the core, in a SharedArrayBuffer: keys, the one counter of each
// session, its replay window, and when workers last sent and received (docs/data-plane.md, concurrency rules 1 to 5 and 7). The
// main thread opens and retires; transmit workers reserve counters as it does; only receive workers, which take turns, touch the
// windows, and tell the main thread which frames they have checked.
//
//   header, 16 bytes   slots, transmitters (2 × 4)  – (8)
//   slot               generation, state, family, port, zone (5 × 4)  – (12)  address of the relay (16)
//                      send counter, greatest received counter, received at (3 × 8)  – (8)
//                      key to the relay, key from it (2 × 16)  replay ring (256 × 4)
//                      per transmit worker: sent at (8)
//
// A session is named by slot and generation. The generation rises when the session ends; the slot is zeroed, and used again, once
// every worker has passed an epoch since.

import { SIPHASH_KEY_BYTES, type SipHashKey } from '@shadownet/crypto';
import { type Endpoint, type Instant, REPLAY_WINDOW_WORDS, ReplayWindow } from '@shadownet/primitives';
import { COUNTER_LIMIT } from './constants.js';
import type { FrameKeys } from './session-keys.js';

/** A name of a session that stays safe to use when the session is long gone. */
export interface RelaySessionRef {
  readonly slot: number;
  readonly generation: number;
}

/** Of the data plane: what was withdrawn before an epoch is used by nobody once all workers have passed it. */
export interface Epochs {
  raiseEpoch(): number;
  hasPassed(epoch: number): boolean;
}

const HEADER_LENGTH = 16;
const SLOTS = 0;
const TRANSMITTERS = 1;

// Offsets of 32-bit cells in a slot, in cells.
const GENERATION = 0;
const STATE = 1;
const FAMILY = 2;
const PORT = 3;
const ZONE = 4;

// Offsets in a slot, in bytes.
const ADDRESS = 32;
const SEND_COUNTER = 48;
const GREATEST_RECEIVED = 56;
const RECEIVED_AT = 64;
const SEND_KEY = 80;
const RECEIVE_KEY = SEND_KEY + SIPHASH_KEY_BYTES;
const REPLAY_RING = RECEIVE_KEY + SIPHASH_KEY_BYTES;
const SENT_AT = REPLAY_RING + REPLAY_WINDOW_WORDS * 4;

const NOT_LIVE = 0;
const LIVE = 1;

/** Views of a slot that are needed for each frame; made once. */
interface SlotViews {
  readonly sendKey: SipHashKey;
  readonly receiveKey: SipHashKey;
  readonly window: ReplayWindow;
}

export class RelaySessionTable {
  /** What a worker attaches to. */
  readonly buffer: SharedArrayBuffer;
  readonly slots: number;
  readonly #transmitters: number;
  readonly #slotLength: number;
  readonly #cells: Int32Array;
  readonly #counters: BigUint64Array;
  readonly #numbers: Float64Array;
  readonly #bytes: Uint8Array;
  readonly #views: (SlotViews | undefined)[] = [];
  // Known to the main thread only.
  readonly #epochs: Epochs | undefined;
  readonly #retired: { readonly slot: number; readonly epoch: number }[] = [];
  readonly #free: number[];
  #checked: RelaySessionRef | undefined;

  private constructor(
    buffer: SharedArrayBuffer,
    epochs: Epochs | undefined,
    private readonly transmitter: number,
  ) {
    this.buffer = buffer;
    this.#cells = new Int32Array(buffer);
    this.#counters = new BigUint64Array(buffer);
    this.#numbers = new Float64Array(buffer);
    this.#bytes = new Uint8Array(buffer);
    this.slots = this.#cells[SLOTS]!;
    this.#transmitters = this.#cells[TRANSMITTERS]!;
    this.#slotLength = slotLength(this.#transmitters);
    this.#epochs = epochs;
    this.#free = Array.from({ length: this.slots }, (_, i) => this.slots - 1 - i);
  }

  /** A table for `slots` sessions at a time and the clocks of `transmitters` workers that send, owned by the main thread. */
  static allocate(slots: number, transmitters: number, epochs: Epochs): RelaySessionTable {
    const buffer = new SharedArrayBuffer(HEADER_LENGTH + slots * slotLength(transmitters));
    new Int32Array(buffer).set([slots, transmitters]);
    return new RelaySessionTable(buffer, epochs, 0);
  }

  /** The table as a worker uses it; `transmitter` is the number of the one that sends. */
  static attach(buffer: SharedArrayBuffer, transmitter = 0): RelaySessionTable {
    return new RelaySessionTable(buffer, undefined, transmitter);
  }

  // ── Life of a session: main thread only ───────────────────────────────────────────────────────────────────────────

  /** Copies the keys; `undefined` if there is no room, and the session is the core's alone. */
  open({ address, port, zone = 0 }: Endpoint, keys: FrameKeys): RelaySessionRef | undefined {
    this.reclaim();
    const slot = this.#free.pop();
    if (slot === undefined) return undefined;
    const cell = this.#start(slot) / 4;
    this.#cells[cell + FAMILY] = address.family;
    this.#cells[cell + PORT] = port;
    this.#cells[cell + ZONE] = zone;
    this.#bytes.set(address.bytes, this.#start(slot) + ADDRESS);
    this.#viewsOf(slot).sendKey.set(keys.toRelay);
    this.#viewsOf(slot).receiveKey.set(keys.toClient);
    // Stored last: whoever sees it live sees all of the above.
    Atomics.store(this.#cells, cell + STATE, LIVE);
    return { slot, generation: Atomics.load(this.#cells, cell + GENERATION) };
  }

  /** Ends a session at once for everybody; its keys are zeroed as soon as no worker can be using them. */
  retire(session: RelaySessionRef): void {
    if (!this.isLive(session)) return;
    const cell = this.#start(session.slot) / 4;
    Atomics.store(this.#cells, cell + STATE, NOT_LIVE);
    Atomics.add(this.#cells, cell + GENERATION, 1);
    this.#retired.push({ slot: session.slot, epoch: this.#epochs!.raiseEpoch() });
    this.reclaim();
  }

  /** Zeroes and frees the slots of sessions that have ended and that all workers have let go of. */
  reclaim(): void {
    while (this.#retired.length > 0 && this.#epochs!.hasPassed(this.#retired[0]!.epoch)) {
      const { slot } = this.#retired.shift()!;
      const generation = this.#start(slot) + 4;
      this.#bytes.fill(0, generation, this.#start(slot + 1));
      this.#free.push(slot);
    }
  }

  /** True if keys of a session that has ended are not zeroed yet. */
  get hasRetired(): boolean {
    return this.#retired.length > 0;
  }

  /** Runs `deliver`, which hands the client a frame that a worker has found authentic and new in that session. */
  whileChecked(session: RelaySessionRef, deliver: () => void): void {
    this.#checked = session;
    try {
      deliver();
    } finally {
      this.#checked = undefined;
    }
  }

  /** Whether the frame that is being delivered was found authentic and new in that session. */
  isChecked({ slot, generation }: RelaySessionRef): boolean {
    return this.#checked?.slot === slot && this.#checked.generation === generation;
  }

  // ── Every frame ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** False once the session has ended. To be asked again after each step that took time. */
  isLive({ slot, generation }: RelaySessionRef): boolean {
    const cell = this.#start(slot) / 4;
    const isSame = Atomics.load(this.#cells, cell + GENERATION) === generation;
    return isSame && Atomics.load(this.#cells, cell + STATE) === LIVE;
  }

  /** The session with the relay that `isFrom` says is the source; the address is 4 or 16 bytes in shared memory. */
  find(isFrom: (address: Uint8Array, port: number, zone: number) => boolean): RelaySessionRef | undefined {
    for (let slot = 0; slot < this.slots; slot++) {
      const cell = this.#start(slot) / 4;
      const session = { slot, generation: Atomics.load(this.#cells, cell + GENERATION) };
      if (!this.isLive(session)) continue;
      const address = this.#start(slot) + ADDRESS;
      const length = this.#cells[cell + FAMILY] === 4 ? 4 : 16;
      const bytes = this.#bytes.subarray(address, address + length);
      if (isFrom(bytes, this.#cells[cell + PORT]!, this.#cells[cell + ZONE]!)) return session;
    }
    return undefined;
  }

  /**
   * Reserves `count` consecutive counters and returns the first, below 2^40. They are the caller's to use once or to lose.
   * `undefined` if the session has ended, or has no more.
   */
  reserveCounters(session: RelaySessionRef, count: number): number | undefined {
    if (!this.isLive(session)) return undefined;
    const cell = (this.#start(session.slot) + SEND_COUNTER) / 8;
    // Read before adding, so that who is refused does not push the counter on.
    if (Atomics.load(this.#counters, cell) >= COUNTER_LIMIT) return undefined;
    const first = Number(Atomics.add(this.#counters, cell, BigInt(count)));
    if (first + count > COUNTER_LIMIT) return undefined;
    // The slot may have changed hands between the first look and the reservation.
    return this.isLive(session) ? first : undefined;
  }

  /** In shared memory, not a copy. */
  sendKey({ slot }: RelaySessionRef): SipHashKey {
    return this.#viewsOf(slot).sendKey;
  }

  /** In shared memory, not a copy. */
  receiveKey({ slot }: RelaySessionRef): SipHashKey {
    return this.#viewsOf(slot).receiveKey;
  }

  /** Of receive workers, one at a time. */
  replayWindow({ slot }: RelaySessionRef): ReplayWindow {
    return this.#viewsOf(slot).window;
  }

  recordSent({ slot }: RelaySessionRef, now: Instant): void {
    this.#numbers[(this.#start(slot) + SENT_AT) / 8 + this.transmitter] = now;
  }

  recordReceived({ slot }: RelaySessionRef, now: Instant): void {
    this.#numbers[(this.#start(slot) + RECEIVED_AT) / 8] = now;
  }

  /** When a worker last sent, 0 for never. */
  sentAt({ slot }: RelaySessionRef): Instant {
    const first = (this.#start(slot) + SENT_AT) / 8;
    let latest = 0;
    for (let i = 0; i < this.#transmitters; i++) latest = Math.max(latest, this.#numbers[first + i]!);
    return latest as Instant;
  }

  /** When a worker last received, 0 for never. */
  receivedAt({ slot }: RelaySessionRef): Instant {
    return this.#numbers[(this.#start(slot) + RECEIVED_AT) / 8]! as Instant;
  }

  #start(slot: number): number {
    return HEADER_LENGTH + slot * this.#slotLength;
  }

  #viewsOf(slot: number): SlotViews {
    const start = this.#start(slot);
    return (this.#views[slot] ??= {
      sendKey: new Uint32Array(this.buffer, start + SEND_KEY, SIPHASH_KEY_BYTES / 4),
      receiveKey: new Uint32Array(this.buffer, start + RECEIVE_KEY, SIPHASH_KEY_BYTES / 4),
      window: new ReplayWindow(
        new BigUint64Array(this.buffer, start + GREATEST_RECEIVED, 1),
        new Uint32Array(this.buffer, start + REPLAY_RING, REPLAY_WINDOW_WORDS),
        BigInt(COUNTER_LIMIT),
      ),
    });
  }
}

function slotLength(transmitters: number): number {
  return SENT_AT + transmitters * 8;
}
