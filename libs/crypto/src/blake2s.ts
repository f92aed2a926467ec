// BLAKE2s (RFC 7693), its keyed mode and HMAC over it, around the compression function of blake2s-module.ts: what most of a
// handshake consists of besides X25519, and all that a flood of forged ones costs. One instance for each thread; every secret
// that goes through its memory is overwritten before a call returns. Used by the providers and by libs/dataplane.

import { BLAKE2S_IV, blake2sModule } from './blake2s-module.js';
import { requireBlake2sLengths } from './buffer-rules.js';

// What of WebAssembly is used; neither the ECMAScript library types nor Node's know it.
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: object };
};

/** Of WireGuard's mac1, mac2 and cookies. */
export const BLAKE2S_MAC_LENGTH = 16;
const BLOCK_LENGTH = 64;
const HASH_LENGTH = 32;

// Places in the module's memory.
const STATE = 0;
const KEY_BLOCK = 64;
const MESSAGE = 128;
/** As much of a message is copied in at a time; whole blocks. */
const MESSAGE_CAPACITY = 32_768;
/** Up to here bytes are copied one by one, which needs no view of them. */
const SHORT = 256;

/**
 * BLAKE2s-128 under a key that is prepared once: for checking many messages, without an allocation for each. A message has
 * at least one byte; RangeError otherwise.
 */
export interface Blake2sMac {
  /** The 16-byte MAC of a message. */
  compute(message: Uint8Array): Uint8Array;
  /** Whether the 16 bytes at `macAt` are the MAC of those from `start` to `end`, in time that does not depend on them. */
  verify(bytes: Uint8Array, start: number, end: number, macAt: number): boolean;
  /** Clears the prepared key. MACs are wrong from then on. */
  zero(): void;
}

export function requireMessage(start: number, end: number): void {
  if (end <= start) throw new RangeError('a MAC of no message');
}

let instance: Blake2s | undefined;

/** The thread's own instance, made on first use. Throws where there is no WebAssembly. */
export function fastBlake2s(): Blake2s {
  instance ??= new Blake2s();
  return instance;
}

export class Blake2s {
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;
  readonly #compress: (block: number, count: number, last: number) => void;

  /** Throws where there is no WebAssembly. */
  constructor() {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(blake2sModule()));
    const { m, c } = exports as { m: { buffer: ArrayBuffer }; c: (block: number, count: number, last: number) => void };
    this.#bytes = new Uint8Array(m.buffer);
    this.#words = new Uint32Array(m.buffer, STATE, HASH_LENGTH / 4);
    this.#compress = c;
  }

  /** A digest of 1…32 bytes, with a key of 0…32. Throws CryptoError `wrong-length`. */
  hash(input: Uint8Array, outputLength: number, key?: Uint8Array): Uint8Array {
    requireBlake2sLengths(outputLength, key);
    const keyLength = key?.length ?? 0;
    this.#begin(outputLength, keyLength);
    if (key && keyLength > 0) {
      this.#bytes.fill(0, KEY_BLOCK, MESSAGE);
      this.#bytes.set(key, KEY_BLOCK);
      this.#compress(KEY_BLOCK, BLOCK_LENGTH, input.length === 0 ? -1 : 0);
      this.#bytes.fill(0, KEY_BLOCK, MESSAGE);
    }
    if (keyLength === 0) this.#finish(input, 0, input.length, 0);
    else if (input.length > 0) this.#finish(input, 0, input.length, BLOCK_LENGTH);
    return this.#take(outputLength);
  }

  /** HMAC-BLAKE2s (RFC 2104), which is not the keyed mode: 32 bytes. */
  hmac(key: Uint8Array, input: Uint8Array): Uint8Array {
    if (key.length > BLOCK_LENGTH) return this.hmac(this.hash(key, HASH_LENGTH), input);
    this.#beginPadded(key, 0x36, input.length === 0 ? -1 : 0);
    if (input.length > 0) this.#finish(input, 0, input.length, BLOCK_LENGTH);
    this.#bytes.copyWithin(MESSAGE, STATE, STATE + HASH_LENGTH);
    this.#beginPadded(key, 0x5c, 0);
    // Behind the inner digest the block is still zero.
    this.#compress(MESSAGE, BLOCK_LENGTH + HASH_LENGTH, -1);
    this.#bytes.fill(0, KEY_BLOCK, MESSAGE + HASH_LENGTH);
    return this.#take(HASH_LENGTH);
  }

  /** BLAKE2s-128 under `key` of 1…32 bytes, which is copied. */
  mac(key: Uint8Array): Blake2sMac {
    requireBlake2sLengths(BLAKE2S_MAC_LENGTH, key);
    this.#begin(BLAKE2S_MAC_LENGTH, key.length);
    this.#bytes.set(key, KEY_BLOCK);
    this.#compress(KEY_BLOCK, BLOCK_LENGTH, 0);
    this.#bytes.fill(0, KEY_BLOCK, MESSAGE);
    const prepared = this.#words.slice();
    this.#words.fill(0);
    const run = (bytes: Uint8Array, start: number, end: number): void => {
      requireMessage(start, end);
      this.#words.set(prepared);
      this.#finish(bytes, start, end, BLOCK_LENGTH);
    };
    return {
      compute: (message) => {
        run(message, 0, message.length);
        return this.#take(BLAKE2S_MAC_LENGTH);
      },
      verify: (bytes, start, end, macAt) => {
        run(bytes, start, end);
        let difference = 0;
        for (let i = 0; i < BLAKE2S_MAC_LENGTH; i++) difference |= this.#bytes[STATE + i]! ^ bytes[macAt + i]!;
        return difference === 0;
      },
      zero: () => void prepared.fill(0),
    };
  }

  /** h_0 = IV_0 ⊕ 0x0101kknn: fan-out and depth 1, key and digest length (RFC 7693 §2.5). */
  #begin(outputLength: number, keyLength: number): void {
    for (let i = 0; i < BLAKE2S_IV.length; i++) this.#words[i] = BLAKE2S_IV[i]!;
    this.#words[0]! ^= 0x0101_0000 | (keyLength << 8) | outputLength;
  }

  /** Half of an HMAC up to its message, if it has one: the key's block is the last one otherwise. */
  #beginPadded(key: Uint8Array, pad: number, last: 0 | -1): void {
    this.#begin(HASH_LENGTH, 0);
    this.#bytes.fill(pad, KEY_BLOCK, MESSAGE);
    for (let i = 0; i < key.length; i++) this.#bytes[KEY_BLOCK + i] = key[i]! ^ pad;
    this.#compress(KEY_BLOCK, BLOCK_LENGTH, last);
  }

  /** The rest of a message of which `count` bytes were taken: `bytes` from `start` to `end`. An empty message is one block of zeros. */
  #finish(bytes: Uint8Array, start: number, end: number, count: number): void {
    let at = start;
    do {
      const length = Math.min(end - at, MESSAGE_CAPACITY);
      this.#copyIn(bytes, at, length);
      at += length;
      // Bytes behind a message are zero: here and, since all is wiped below, in memory.
      for (let done = 0; done < length || done === 0; done += BLOCK_LENGTH) {
        const isLast = at === end && done + BLOCK_LENGTH >= length;
        count += Math.min(BLOCK_LENGTH, length - done);
        this.#compress(MESSAGE + done, count, isLast ? -1 : 0);
      }
      this.#bytes.fill(0, MESSAGE, MESSAGE + length);
    } while (at < end);
  }

  #copyIn(bytes: Uint8Array, at: number, length: number): void {
    if (length > SHORT) return this.#bytes.set(bytes.subarray(at, at + length), MESSAGE);
    for (let i = 0; i < length; i++) this.#bytes[MESSAGE + i] = bytes[at + i]!;
  }

  #take(outputLength: number): Uint8Array {
    const digest = this.#bytes.slice(STATE, STATE + outputLength);
    this.#words.fill(0);
    return digest;
  }
}
