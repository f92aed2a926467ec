// Memory that packets are read into and whose checksums WebAssembly sums, 16 bytes at a time: the same sums as checksum.ts at
// a third of the time. The module is small enough to be written out here; its memory never grows, since growing moves it.
//
//   (func (export "s") (param $p i32) (param $n i32) (result f64)
//     sum of $n bytes at $p as little-endian 32-bit words, the last one padded with zeros)

import { wasmModule, wasmName, wasmSection, wasmUnsigned } from '@shadownet/primitives';

import { sumWords } from './checksum.js';
import { allocateHashingMemory, type HashingMemory } from './hashing-memory.js';

// What of WebAssembly is used; neither the ECMAScript library types nor Node's know it.
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
  readonly CompileError: new () => Error;
};

/** The sum of `length` bytes at `offset` of the memory that it belongs to, as `sumWords` has it. */
export type SumBytes = (offset: number, length: number) => number;

export interface SummingMemory extends HashingMemory {
  readonly sum: SumBytes;
}

const PAGE_BYTES = 65_536;

/** At least `length` pinned bytes. Where WebAssembly has no SIMD, or is forbidden, plain code sums. */
export function allocateSummingMemory(length: number): SummingMemory {
  const memory = allocateHashingMemory(length);
  const { block, hasher } = memory;
  if (!hasher) return { ...memory, sum: plainSum(block.bytes) };
  const pages = hasher.linearMemory.buffer.byteLength / PAGE_BYTES;
  try {
    const imports = { m: { m: hasher.linearMemory } };
    const instance = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes(pages)), imports);
    const { s } = instance.exports as { s: SumBytes };
    const start = block.bytes.byteOffset;
    return { ...memory, sum: (offset, length) => s(start + offset, length) };
  } catch (error) {
    if (!(error instanceof WebAssembly.CompileError)) throw error;
    return { ...memory, sum: plainSum(block.bytes) };
  }
}

/** The same without WebAssembly, over any bytes. */
export function plainSum(bytes: Uint8Array): SumBytes {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return (offset, length) => sumWords(view, offset, length);
}

const I32 = 0x7f;
const I64 = 0x7e;
const F64 = 0x7c;
const V128 = 0x7b;
const VOID = 0x40;

// Parameters and locals of the function.
const [P, N, END, SUM, LANES, WORDS] = [0, 1, 2, 3, 4, 5];

const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const tee = (local: number): number[] => [0x22, local];
/** −64…63. */
const i32 = (value: number): number[] => [0x41, value & 0x7f];
const I32_ADD = 0x6a;
const I32_AND = 0x71;
const I32_GE_U = 0x4f;
const I64_ADD = 0x7c;
const LOAD_32 = [0x35, 0, 0];
const LOAD_16 = [0x33, 0, 0];
const loadByte = (offset: number): number[] => [0x31, 0, offset];
const LOAD_VECTOR = [0xfd, 0x00, 0, 0];
const WIDEN_LOW = [0xfd, 0xc9, 0x01];
const WIDEN_HIGH = [0xfd, 0xca, 0x01];
const ADD_LANES = [0xfd, 0xce, 0x01];
const lane = (index: number): number[] => [0xfd, 0x1d, index];
const END_BLOCK = 0x0b;
const ELSE = 0x05;
const when = (condition: number[], ...body: number[][]): number[] => [
  ...condition,
  0x04,
  VOID,
  ...body.flat(),
  END_BLOCK,
];
const hasBit = (bit: number): number[] => [...get(N), ...i32(bit), I32_AND];
/** While $p < $end: the body, which moves $p on by `step`. */
const untilEnd = (step: number, ...body: number[][]): number[] => [
  ...[0x02, VOID, 0x03, VOID, ...get(P), ...get(END), I32_GE_U, 0x0d, 1],
  ...body.flat(),
  ...[...get(P), ...i32(step), I32_ADD, ...set(P), 0x0c, 0, END_BLOCK, END_BLOCK],
];
/** $end = $p + ($n & mask). */
const endAfter = (mask: number): number[] => [...get(P), ...get(N), ...i32(mask), I32_AND, I32_ADD, ...set(END)];
const addToSum = (...value: number[]): number[] => [...get(SUM), ...value, I64_ADD, ...set(SUM)];

const CODE = [
  ...endAfter(-16),
  ...untilEnd(
    16,
    [...get(P), ...LOAD_VECTOR, ...tee(WORDS), ...WIDEN_LOW, ...get(LANES), ...ADD_LANES],
    [...get(WORDS), ...WIDEN_HIGH, ...ADD_LANES, ...set(LANES)],
  ),
  ...endAfter(12),
  ...untilEnd(4, addToSum(...get(P), ...LOAD_32)),
  ...hasBit(2),
  ...[0x04, VOID],
  ...addToSum(...get(P), ...LOAD_16),
  // The third byte of a word: shifted by 16.
  ...when(hasBit(1), addToSum(...get(P), ...loadByte(2), 0x42, 16, 0x86)),
  ELSE,
  ...when(hasBit(1), addToSum(...get(P), ...loadByte(0))),
  END_BLOCK,
  ...[...get(SUM), ...get(LANES), ...lane(0), I64_ADD, ...get(LANES), ...lane(1), I64_ADD],
  0xba, // f64.convert_i64_u
  END_BLOCK,
];

function moduleBytes(pages: number): Uint8Array {
  const locals = [3, 1, I32, 1, I64, 2, V128];
  const body = [...locals, ...CODE];
  return wasmModule(
    wasmSection(1, [1, 0x60, 2, I32, I32, 1, F64]),
    wasmSection(2, [1, ...wasmName('m'), ...wasmName('m'), 2, 1, pages, pages]),
    wasmSection(3, [1, 0]),
    wasmSection(7, [1, ...wasmName('s'), 0, 0]),
    wasmSection(10, [1, ...wasmUnsigned(body.length), ...body]),
  );
}
