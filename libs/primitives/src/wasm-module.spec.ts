import { describe, expect, it } from 'vitest';
import { wasmModule, wasmName, wasmSection, wasmSigned, wasmUnsigned } from './wasm-module.js';

describe('numbers of a WebAssembly module', () => {
  it('are LEB128 if they have no sign', () => {
    expect([0, 127, 128, 624_485].map(wasmUnsigned)).toEqual([[0], [0x7f], [0x80, 1], [0xe5, 0x8e, 0x26]]);
  });

  it('are LEB128 in two’s complement if they have one', () => {
    expect([0, 63, 64, -1, -64, -65, -123_456].map(wasmSigned)).toEqual([
      ...[[0], [63], [0xc0, 0], [0x7f], [0x40], [0xbf, 0x7f]],
      [0xc0, 0xbb, 0x78],
    ]);
    expect(wasmSigned(0xffff_ffff)).toEqual(wasmSigned(-1));
  });
});

it('a name and a section say first how long they are', () => {
  expect(wasmName('ab')).toEqual([2, 97, 98]);
  expect(wasmSection(3, [1, 0])).toEqual([3, 2, 1, 0]);
  expect(wasmSection(10, Array<number>(200).fill(0)).slice(0, 3)).toEqual([10, 0xc8, 1]);
});

it('a module begins with its magic number and version', () => {
  expect([...wasmModule([1, 1, 0])]).toEqual([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 1, 0]);
});
