// The compression function of BLAKE2s (RFC 7693 §3.2) as a WebAssembly module: 0.1 µs for a block, where OpenSSL's own takes as
// long and each way to it from JavaScript several times that. All ten rounds are unrolled, so that every word of the message
// has its place in a register or on the stack at compile time. Used by blake2s.ts.
//
//   (memory (export "m") 1 1)
//   (func (export "c") (param $block i32) (param $t i32) (param $f i32))
//     h at address 0 = F(h, 64 bytes at $block, $t bytes so far, $f: −1 for the last block, else 0)
//
// $t has 32 bits: nothing that is hashed here has 4 GB.

import { wasmModule, wasmName, wasmSection, wasmSigned, wasmUnsigned } from '@shadownet/primitives';

/** RFC 7693 §2.6. */
export const BLAKE2S_IV: readonly number[] = [
  ...[0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a],
  ...[0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19],
];

/** SIGMA, RFC 7693 §2.7: which word of the message each half of a mixing step takes, one hexadecimal digit each. */
const SCHEDULE = [
  ...['0123456789abcdef', 'ea489fd61c02b753', 'b8c052fdae367194', '7931dcbe265a40f8', '905724afe1bc683d'],
  ...['2c6a0b834d75fe19', 'c51fed4a0763928b', 'db7ec13950f4862a', '6fe9b308c2d714a5', 'a2847615fb9e3cd0'],
].map((row) => Array.from(row, (digit) => Number.parseInt(digit, 16)));

/** The words that each of a round's eight mixing steps works on: the columns, then the diagonals (§3.2). */
const STEPS: readonly (readonly [number, number, number, number])[] = [
  ...([0, 1, 2, 3] as const).map((i) => [i, i + 4, i + 8, i + 12] as const),
  ...([0, 1, 2, 3] as const).map((i) => [i, 4 + ((i + 1) % 4), 8 + ((i + 2) % 4), 12 + ((i + 3) % 4)] as const),
];

const I32 = 0x7f;
const [BLOCK, COUNT, LAST] = [0, 1, 2];
const work = (word: number): number => 3 + word;
const message = (word: number): number => 19 + word;
const LOCALS = 32;

const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const constant = (value: number): number[] => [0x41, ...wasmSigned(value)];
const load = (offset: number): number[] => [0x28, 2, offset];
const store = (offset: number): number[] => [0x36, 2, offset];
const ADD = 0x6a;
const XOR = 0x73;
const ROTATE_RIGHT = 0x78;
const END = 0x0b;

/** v_a = v_a + v_b + m */
const addMessage = (a: number, b: number, word: number): number[] => [
  ...[...get(work(a)), ...get(work(b)), ADD],
  ...[...get(message(word)), ADD, ...set(work(a))],
];
/** v_c = v_c + v_d */
const add = (c: number, d: number): number[] => [...get(work(c)), ...get(work(d)), ADD, ...set(work(c))];
/** v_d = (v_d ⊕ v_a) ⋙ bits */
const turn = (d: number, a: number, bits: number): number[] => [
  ...[...get(work(d)), ...get(work(a)), XOR],
  ...[...constant(bits), ROTATE_RIGHT, ...set(work(d))],
];

/** G, §3.1. */
const mix = ([a, b, c, d]: readonly [number, number, number, number], x: number, y: number): number[] => [
  ...[...addMessage(a, b, x), ...turn(d, a, 16), ...add(c, d), ...turn(b, c, 12)],
  ...[...addMessage(a, b, y), ...turn(d, a, 8), ...add(c, d), ...turn(b, c, 7)],
];

/** F, §3.2. */
function compression(): number[] {
  const words = Array.from({ length: 16 }, (_, i) => i);
  const half = words.slice(0, 8);
  const mask = (i: number): number[] => (i === 4 ? [...get(COUNT), XOR] : i === 6 ? [...get(LAST), XOR] : []);
  return [
    ...words.flatMap((i) => [...get(BLOCK), ...load(4 * i), ...set(message(i))]),
    ...half.flatMap((i) => [...constant(0), ...load(4 * i), ...set(work(i))]),
    ...half.flatMap((i) => [...constant(BLAKE2S_IV[i]!), ...mask(i), ...set(work(8 + i))]),
    ...SCHEDULE.flatMap((order) => STEPS.flatMap((step, i) => mix(step, order[2 * i]!, order[2 * i + 1]!))),
    ...half.flatMap((i) => [
      ...[...constant(0), ...constant(0), ...load(4 * i)],
      ...[...get(work(i)), XOR, ...get(work(8 + i)), XOR, ...store(4 * i)],
    ]),
    END,
  ];
}

export function blake2sModule(): Uint8Array {
  const body = [1, LOCALS, I32, ...compression()];
  return wasmModule(
    wasmSection(1, [1, 0x60, 3, I32, I32, I32, 0]),
    wasmSection(3, [1, 0]),
    wasmSection(5, [1, 1, 1, 1]),
    wasmSection(7, [2, ...wasmName('m'), 2, 0, ...wasmName('c'), 0, 0]),
    wasmSection(10, [1, ...wasmUnsigned(body.length), ...body]),
  );
}
