// SipHash-2-4 (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012) with a 64-bit tag, in WebAssembly: 50 ns for a
// short message, 0.9 µs for 1,452 bytes. The module is small enough to be written out here; its memory never grows, since growing
// moves it. Used for the frames of libs/relay.
//
//   (func (export "h") (param $k0 $k1 $k2 $k3 $head0 $head1 $p $n i32)
//     SipHash of $head0, $head1 as little-endian words, then $n bytes at $p; the tag is left at address 0

import { CryptoError } from './crypto-error.js';

// What of WebAssembly is used; neither the ECMAScript library types nor Node's know it.
declare const WebAssembly: {
  readonly Memory: new (limits: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
};

/** 16 bytes, as four little-endian words; whoever made it zeroes it. */
export type SipHashKey = Uint32Array;

export const SIPHASH_KEY_BYTES = 16;
/** The longest message that lies elsewhere than in a hasher's own memory. */
export const MAX_COPIED_BYTES = 4096;

const PAGE_BYTES = 65_536;
/** Behind the tag; a message is copied to here, and the load of its last word may reach beyond its end. */
const COPY_AT = 64;
const MEMORY_AT = COPY_AT + MAX_COPIED_BYTES + 64;
const SLACK_BYTES = 8;

export class SipHasher {
  /** Zeroed memory of the caller: messages that lie in it are hashed without a copy. */
  readonly memory: Uint8Array<ArrayBuffer>;
  /** The WebAssembly.Memory that it lies in, for modules that work on the same bytes; it never grows. */
  readonly linearMemory: { readonly buffer: ArrayBuffer };
  readonly #hash: HashFunction;
  readonly #copy: Uint8Array;
  readonly #tag: Int32Array;

  constructor(memoryBytes = 0) {
    const pages = Math.ceil((MEMORY_AT + memoryBytes + SLACK_BYTES) / PAGE_BYTES);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const instance = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes(pages)), { m: { m: memory } });
    this.#hash = (instance.exports as { h: HashFunction }).h;
    this.linearMemory = memory;
    this.memory = new Uint8Array(memory.buffer, MEMORY_AT, memoryBytes);
    this.#copy = new Uint8Array(memory.buffer, COPY_AT, MAX_COPIED_BYTES);
    this.#tag = new Int32Array(memory.buffer, 0, 2);
  }

  /**
   * Hashes the 8 bytes of `headLow` and `headHigh`, little-endian, followed by `length` bytes at `offset` of `bytes`; the tag is
   * in `low` and `high` until the next call. Throws CryptoError `wrong-length` for more than MAX_COPIED_BYTES that lie elsewhere.
   */
  hash(key: SipHashKey, headLow: number, headHigh: number, bytes: Uint8Array, offset: number, length: number): void {
    let at = bytes.byteOffset + offset;
    if (bytes.buffer !== this.#copy.buffer) {
      if (length > MAX_COPIED_BYTES) throw new CryptoError('wrong-length', `a message of ${length} bytes`);
      this.#copy.set(offset === 0 && length === bytes.length ? bytes : bytes.subarray(offset, offset + length));
      at = COPY_AT;
    }
    this.#hash(key[0]!, key[1]!, key[2]!, key[3]!, headLow, headHigh, at, length);
  }

  /** The first four bytes of the last tag, little-endian, as a signed 32-bit number. */
  get low(): number {
    return this.#tag[0]!;
  }

  get high(): number {
    return this.#tag[1]!;
  }
}

/** The key of 16 bytes, which are copied. */
export function sipHashKey(bytes: Uint8Array): SipHashKey {
  if (bytes.length !== SIPHASH_KEY_BYTES)
    throw new CryptoError('wrong-length', `a SipHash key of ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Uint32Array.of(...[0, 4, 8, 12].map((at) => view.getUint32(at, true)));
}

type HashFunction = (...keyHeadOffsetLength: [number, number, number, number, number, number, number, number]) => void;

const I32 = 0x7f;
const I64 = 0x7e;
const VOID = 0x40;

// Parameters and locals of the function.
const [K0, K1, K2, K3, HEAD0, HEAD1, P, N, END] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
const [V0, V1, V2, V3, M] = [9, 10, 11, 12, 13];

const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const i32 = (value: number): number[] => [0x41, ...signed(BigInt(value))];
const i64 = (value: bigint): number[] => [0x42, ...signed(value)];
const I32_ADD = 0x6a;
const I32_AND = 0x71;
const I32_GE_U = 0x4f;
const I64_SUB = 0x7d;
const I64_ADD = 0x7c;
const I64_AND = 0x83;
const I64_OR = 0x84;
const I64_XOR = 0x85;
const I64_SHL = 0x86;
const I64_ROTL = 0x89;
const I64_EXTEND_U = 0xad;
const LOAD_64 = [0x29, 0, 0];
const STORE_64 = [0x37, 0, 0];
const END_BLOCK = 0x0b;

const add = (to: number, value: number): number[] => [...get(to), ...get(value), I64_ADD, ...set(to)];
const rotate = (word: number, by: bigint): number[] => [...get(word), ...i64(by), I64_ROTL, ...set(word)];
const xor = (to: number, ...value: number[]): number[] => [...get(to), ...value, I64_XOR, ...set(to)];

/** SipRound (§2.2). */
const ROUND = [
  ...[...add(V0, V1), ...rotate(V1, 13n), ...xor(V1, ...get(V0)), ...rotate(V0, 32n)],
  ...[...add(V2, V3), ...rotate(V3, 16n), ...xor(V3, ...get(V2))],
  ...[...add(V0, V3), ...rotate(V3, 21n), ...xor(V3, ...get(V0))],
  ...[...add(V2, V1), ...rotate(V1, 17n), ...xor(V1, ...get(V2)), ...rotate(V2, 32n)],
];
/** v3 ⊕= m; two rounds; v0 ⊕= m. */
const COMPRESS = [...xor(V3, ...get(M)), ...ROUND, ...ROUND, ...xor(V0, ...get(M))];

const joined = (low: number, high: number): number[] => [
  ...[...get(low), I64_EXTEND_U],
  ...[...get(high), I64_EXTEND_U, ...i64(32n), I64_SHL, I64_OR],
];
const initialize = (state: number, low: number, high: number, text: string): number[] => [
  ...joined(low, high),
  ...i64([...text].reduce((word, letter) => word * 256n + BigInt(letter.charCodeAt(0)), 0n)),
  ...[I64_XOR, ...set(state)],
];

const CODE = [
  ...initialize(V0, K0, K1, 'somepseu'),
  ...initialize(V1, K2, K3, 'dorandom'),
  ...initialize(V2, K0, K1, 'lygenera'),
  ...initialize(V3, K2, K3, 'tedbytes'),
  ...[...joined(HEAD0, HEAD1), ...set(M), ...COMPRESS],
  ...[...get(P), ...get(N), ...i32(-8), I32_AND, I32_ADD, ...set(END)],
  ...[0x02, VOID, 0x03, VOID, ...get(P), ...get(END), I32_GE_U, 0x0d, 1],
  ...[...get(P), ...LOAD_64, ...set(M), ...COMPRESS],
  ...[...get(P), ...i32(8), I32_ADD, ...set(P), 0x0c, 0, END_BLOCK, END_BLOCK],
  // The last word: what is left of the message, and its whole length mod 256 in the highest byte.
  ...[...get(N), ...i32(8), I32_ADD, I64_EXTEND_U, ...i64(56n), I64_SHL],
  ...[...get(P), ...LOAD_64],
  ...[...i64(1n), ...get(N), ...i32(7), I32_AND, I64_EXTEND_U, ...i64(3n), I64_SHL, I64_SHL, ...i64(1n), I64_SUB],
  ...[I64_AND, I64_OR, ...set(M), ...COMPRESS],
  ...[...xor(V2, ...i64(255n)), ...ROUND, ...ROUND, ...ROUND, ...ROUND],
  ...[...i32(0), ...get(V0), ...get(V1), I64_XOR, ...get(V2), I64_XOR, ...get(V3), I64_XOR, ...STORE_64],
  END_BLOCK,
];

function moduleBytes(pages: number): Uint8Array {
  const locals = [2, 1, I32, 5, I64];
  const body = [...locals, ...CODE];
  const name = (text: string): number[] => [text.length, ...[...text].map((letter) => letter.charCodeAt(0))];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 8, ...Array<number>(8).fill(I32), 0]),
    ...section(2, [1, ...name('m'), ...name('m'), 2, 1, ...unsigned(pages), ...unsigned(pages)]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...name('h'), 0, 0]),
    ...section(10, [1, ...unsigned(body.length), ...body]),
  ]);
}

function section(id: number, content: number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

/** LEB128. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

/** LEB128 of a two's complement number of at most 64 bits. */
function signed(value: bigint): number[] {
  const rest = BigInt.asIntN(64, value) >> 7n;
  const low = Number(value & 0x7fn);
  const done = (rest === 0n && low < 0x40) || (rest === -1n && low >= 0x40);
  return done ? [low] : [low | 0x80, ...signed(rest)];
}
