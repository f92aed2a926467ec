import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';

type Field =
  | { type: 'u8' | 'u16be' | 'u32be' | 'u32le'; value: number }
  | { type: 'u64be' | 'u64le'; value: bigint }
  | { type: 'bytes'; value: Uint8Array };

const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const field: fc.Arbitrary<Field> = fc.oneof(
  fc.record({ type: fc.constant('u8' as const), value: fc.nat(0xff) }),
  fc.record({ type: fc.constant('u16be' as const), value: fc.nat(0xffff) }),
  fc.record({ type: fc.constantFrom('u32be' as const, 'u32le' as const), value: fc.nat(0xffffffff) }),
  fc.record({ type: fc.constantFrom('u64be' as const, 'u64le' as const), value: u64 }),
  fc.record({ type: fc.constant('bytes' as const), value: fc.uint8Array({ maxLength: 40 }) }),
);

describe('a byte writer', () => {
  it('writes what a reader reads back, from any capacity on', () => {
    fc.assert(
      fc.property(fc.nat(20), fc.array(field), (capacity, fields) => {
        const writer = new ByteWriter(capacity);
        for (const each of fields) write(writer, each);
        const reader = new ByteReader(writer.view());
        for (const each of fields) expect(read(reader, each)).toEqual(each.value);
        expect(reader.remaining).toBe(0);
      }),
    );
  });

  it('orders bytes as its methods say', () => {
    const writer = new ByteWriter(0);
    writer.u8(0x01).u16be(0x0203).u32be(0x04050607).u32le(0x0b0a0908);
    writer.u64be(0x0c0d0e0f10111213n).u64le(0x1b1a191817161514n);
    expect([...writer.view()]).toEqual(Array.from({ length: 27 }, (_, i) => i + 1));
  });

  it('begins anew in its memory: zeros are zeros, and copies stay what they were', () => {
    const writer = new ByteWriter(8).u32be(0xffffffff);
    const before = writer.copy();
    expect([...writer.clear().u8(7).zeros(3).view()]).toEqual([7, 0, 0, 0]);
    expect([...before]).toEqual([255, 255, 255, 255]);
  });

  it('writes zeros and keeps count', () => {
    const writer = new ByteWriter(1).u8(7).zeros(3).u8(9);
    expect(writer.length).toBe(5);
    expect([...writer.view()]).toEqual([7, 0, 0, 0, 9]);
  });
});

describe('a byte reader', () => {
  it('hands out views that share memory with its input', () => {
    const input = Uint8Array.of(1, 2, 3, 4);
    const view = new ByteReader(input).bytes(2);
    input[0] = 9;
    expect([...view]).toEqual([9, 2]);
  });

  it('reads a view at its own offset of a larger memory', () => {
    const reader = new ByteReader(Uint8Array.of(1, 2, 3, 4).subarray(1, 3));
    expect([reader.u16be(), reader.offset, reader.remaining]).toEqual([0x0203, 2, 0]);
  });

  it('throws past the end and stays where it was', () => {
    const reader = new ByteReader(Uint8Array.of(1, 2, 3));
    for (const act of [() => reader.u32be(), () => reader.u64le(), () => reader.bytes(4), () => reader.bytes(-1)])
      expect(act).toThrow(RangeError);
    expect(reader.offset).toBe(0);
    expect(() => reader.bytes(Number.NaN)).toThrow(RangeError);
    expect(reader.bytes(3).length).toBe(3);
    expect(() => reader.u8()).toThrow(RangeError);
  });
});

function write(writer: ByteWriter, each: Field): void {
  switch (each.type) {
    case 'bytes':
      return void writer.bytes(each.value);
    case 'u64be':
    case 'u64le':
      return void writer[each.type](each.value);
    default:
      return void writer[each.type](each.value);
  }
}

function read(reader: ByteReader, each: Field): number | bigint | Uint8Array {
  return each.type === 'bytes' ? Uint8Array.from(reader.bytes(each.value.length)) : reader[each.type]();
}
