// What makes a frame authentic and fresh: a tag over its header and payload under the key of its session and direction, and a
// counter that is accepted once. One FrameSealer and one FrameOpener for each end of a session; packet workers, which share a
// session with the core (session-table.ts), use the functions.

import type { SipHasher, SipHashKey } from '@shadownet/crypto';
import { REPLAY_WINDOW_WORDS, ReplayWindow } from '@shadownet/primitives';
import { COUNTER_LIMIT, FRAME_HEADER_BYTES } from './constants.js';

const CHANNEL = 1;
const COUNTER_HIGH = 3;
const COUNTER_LOW = 4;
const TAG = 8;

/**
 * Writes the header of the frame of `length` bytes at `at`, whose payload is in place. `counter` is below COUNTER_LIMIT and was
 * never used under this key.
 */
export function sealFrame(
  hasher: SipHasher,
  key: SipHashKey,
  bytes: Uint8Array,
  at: number,
  length: number,
  type: number,
  channel: number,
  counter: number,
): void {
  bytes[at] = type;
  bytes[at + CHANNEL] = channel >>> 8;
  bytes[at + CHANNEL + 1] = channel;
  bytes[at + COUNTER_HIGH] = counter / 0x1_0000_0000;
  writeU32(bytes, at + COUNTER_LOW, counter);
  hashFrame(hasher, key, bytes, at, length);
  writeU32Le(bytes, at + TAG, hasher.low);
  writeU32Le(bytes, at + TAG + 4, hasher.high);
}

/** Whether the frame of `length` bytes at `at` was sealed under this key. */
export function hasValidTag(
  hasher: SipHasher,
  key: SipHashKey,
  bytes: Uint8Array,
  at: number,
  length: number,
): boolean {
  hashFrame(hasher, key, bytes, at, length);
  // Two words are compared without an early end: time tells nothing about the tag.
  const difference = (readI32Le(bytes, at + TAG) ^ hasher.low) | (readI32Le(bytes, at + TAG + 4) ^ hasher.high);
  return difference === 0;
}

/** Marks the counter of an authentic frame; false if it was seen before, or is too old. */
export function acceptCounter(window: ReplayWindow, bytes: Uint8Array, at: number): boolean {
  return window.acceptParts(bytes[at + COUNTER_HIGH]!, readU32(bytes, at + COUNTER_LOW));
}

export class FrameSealer {
  /** Below 2^53, so a number will do. */
  #counter = 0;

  constructor(
    private readonly hasher: SipHasher,
    private readonly key: SipHashKey,
  ) {}

  /** True when no frame can be sealed any more. */
  get isExhausted(): boolean {
    return this.#counter >= COUNTER_LIMIT;
  }

  /** As `sealFrame`, with the next counter. Throws RangeError once exhausted. */
  seal(bytes: Uint8Array, at: number, length: number, type: number, channel: number): void {
    if (this.#counter >= COUNTER_LIMIT) throw new RangeError('no counter is left');
    sealFrame(this.hasher, this.key, bytes, at, length, type, channel, this.#counter++);
  }

  zero(): void {
    this.key.fill(0);
  }
}

export type FrameRefusal = 'bad-tag' | 'replayed';

export class FrameOpener {
  readonly #window = new ReplayWindow(
    new BigUint64Array(1),
    new Uint32Array(REPLAY_WINDOW_WORDS),
    BigInt(COUNTER_LIMIT),
  );

  constructor(
    private readonly hasher: SipHasher,
    private readonly key: SipHashKey,
  ) {}

  /** Undefined if the frame is authentic and new, and marks it as seen. */
  check(bytes: Uint8Array, at: number, length: number): FrameRefusal | undefined {
    if (!hasValidTag(this.hasher, this.key, bytes, at, length)) return 'bad-tag';
    return acceptCounter(this.#window, bytes, at) ? undefined : 'replayed';
  }

  zero(): void {
    this.key.fill(0);
  }
}

/** SipHash of type, channel, counter and payload; the tag lies between them. */
function hashFrame(hasher: SipHasher, key: SipHashKey, bytes: Uint8Array, at: number, length: number): void {
  const head = readI32Le(bytes, at);
  hasher.hash(key, head, readI32Le(bytes, at + 4), bytes, at + FRAME_HEADER_BYTES, length - FRAME_HEADER_BYTES);
}

function readI32Le(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

function writeU32Le(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

function readU32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
