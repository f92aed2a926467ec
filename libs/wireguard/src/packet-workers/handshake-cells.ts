// What the main thread and the receive workers share about handshakes, in a SharedArrayBuffer: whether the device is under load,
// from where peers speak, and which initiations of ours wait for an answer. The main thread writes, workers read (concurrency
// rule 7). The last two are counts by hash: two things may share a count, so "none" is certain and "some" is very likely.
//
//   under load until, an instant (8)    seed of the hash (4)            budget, handshakes per second (4)
//   peers by place (4 × PLACES)         initiations under way by index (4 × INDICES)
//
// Used by handshake/load-guard.ts on either side.

import type { Instant, IpAddress } from '@shadownet/primitives';

const SEED_CELL = 2;
const BUDGET_CELL = 3;
const HEADER_CELLS = 4;
/** 4,096 peers fill one in sixteen, so that hardly any stranger passes for one. Powers of two. */
const PLACES = 1 << 16;
const INDICES = 1 << 14;
const PLACES_AT = HEADER_CELLS;
const INDICES_AT = PLACES_AT + PLACES;

export class HandshakeCells {
  readonly buffer: SharedArrayBuffer;
  readonly #cells: Int32Array;
  readonly #underLoadUntil: Float64Array;

  /** A new buffer with a random 32-bit seed, which an attacker must not know; or the buffer that the main thread made. */
  constructor(source: { readonly handshakesPerSecond: number; readonly seed: number } | SharedArrayBuffer) {
    this.buffer = source instanceof SharedArrayBuffer ? source : new SharedArrayBuffer(4 * (INDICES_AT + INDICES));
    this.#cells = new Int32Array(this.buffer);
    this.#underLoadUntil = new Float64Array(this.buffer, 0, 1);
    if (source instanceof SharedArrayBuffer) return;
    this.#cells[SEED_CELL] = source.seed;
    this.#cells[BUDGET_CELL] = source.handshakesPerSecond;
    this.#underLoadUntil[0] = -Infinity;
  }

  /** What the device works off without asking for cookies. */
  get handshakesPerSecond(): number {
    return this.#cells[BUDGET_CELL]!;
  }

  isUnderLoad(now: Instant): boolean {
    return now < this.#underLoadUntil[0]!;
  }

  setUnderLoadUntil(until: Instant): void {
    this.#underLoadUntil[0] = until;
  }

  /** A peer's path leads to `place`, or does no more. */
  addPeerAt(place: IpAddress, by: 1 | -1): void {
    Atomics.add(this.#cells, this.#placeCell(place), by);
  }

  mayHavePeerAt(place: IpAddress): boolean {
    return Atomics.load(this.#cells, this.#placeCell(place)) > 0;
  }

  /** An initiation of ours with this index waits for its answer, or does no more. */
  addInitiation(index: number, by: 1 | -1): void {
    Atomics.add(this.#cells, indexCell(index), by);
  }

  mayHaveInitiation(index: number): boolean {
    return Atomics.load(this.#cells, indexCell(index)) > 0;
  }

  /** An IPv4 address, or the /64 of an IPv6 one: whoever has one address of that has all of them. */
  #placeCell({ family, bytes }: IpAddress): number {
    const length = family === 4 ? 4 : 8;
    let hash = this.#cells[SEED_CELL]! ^ length;
    for (let at = 0; at < length; at += 4) {
      const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
      hash = mix(hash ^ word);
    }
    return PLACES_AT + (hash & (PLACES - 1));
  }
}

/** Indices are random, and so their own hash. */
function indexCell(index: number): number {
  return INDICES_AT + (index & (INDICES - 1));
}

/** Spreads what differs in any bit of a 32-bit number over all of them. */
function mix(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return hash ^ (hash >>> 16);
}
