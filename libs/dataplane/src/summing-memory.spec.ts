import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { processArena } from '@shadownet/native';

import { allocateSummingMemory, plainSum } from './summing-memory.js';

function hasNative(): boolean {
  try {
    processArena();
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(!hasNative())('memory that sums (needs koffi)', () => {
  it('sums any bytes at any place as plain code does', () => {
    const { block, sum } = allocateSummingMemory(70_000);
    const plain = plainSum(block.bytes);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(69_000), (bytes, offset) => {
        block.bytes.set(bytes, offset);
        block.bytes.fill(0xff, offset + bytes.length, offset + bytes.length + 32);
        expect(sum(offset, bytes.length)).toBe(plain(offset, bytes.length));
      }),
    );
    block.bytes.fill(0xff);
    expect(sum(1, 69_999)).toBe(plain(1, 69_999));
  });

  it('is pinned at the address that it says, and begins with zeros', () => {
    const { block } = allocateSummingMemory(100_000);
    expect(block.bytes.length).toBeGreaterThanOrEqual(100_000);
    expect(block.address).toBeGreaterThan(0);
    expect(block.bytes.every((byte) => byte === 0)).toBe(true);
  });
});
