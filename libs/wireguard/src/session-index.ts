// The 32-bit names that the two ends give to handshakes and sessions (whitepaper §5.4). Random and unique, so that they tell
// a watcher nothing and an answer finds its peer without a search.

import type { RandomBytes } from '@shadownet/crypto';

declare const sessionIndexBrand: unique symbol;

/** 0…2^32 − 1. */
export type SessionIndex = number & { readonly [sessionIndexBrand]: true };

/** Four little-endian bytes at `offset`; the caller knows that they are there. */
export function readSessionIndex(bytes: Uint8Array, offset: number): SessionIndex {
  const value = bytes[offset]! | (bytes[offset + 1]! << 8) | (bytes[offset + 2]! << 16) | (bytes[offset + 3]! << 24);
  return (value >>> 0) as SessionIndex;
}

/** Which of our indices stand for what. */
export class SessionIndexTable<Owner> {
  readonly #random: RandomBytes;
  readonly #owners = new Map<SessionIndex, Owner>();

  constructor(random: RandomBytes) {
    this.#random = random;
  }

  get size(): number {
    return this.#owners.size;
  }

  /** A random index that nothing else has. */
  add(owner: Owner): SessionIndex {
    let index: SessionIndex;
    do index = readSessionIndex(this.#random(4), 0);
    while (this.#owners.has(index));
    this.#owners.set(index, owner);
    return index;
  }

  get(index: SessionIndex): Owner | undefined {
    return this.#owners.get(index);
  }

  /** Gives an index that is in use to another owner: a handshake becomes a session under the same name. */
  replace(index: SessionIndex, owner: Owner): void {
    this.#owners.set(index, owner);
  }

  delete(index: SessionIndex): void {
    this.#owners.delete(index);
  }
}
