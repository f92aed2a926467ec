import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { checksumOf, fieldSum, foldSum, sumWords } from './checksum.js';

/** RFC 1071 §1 word by word, as anyone can read it. */
function naiveChecksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) {
    sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
    if (sum > 0xffff) sum = (sum & 0xffff) + 1;
  }
  return ~sum & 0xffff;
}

describe('the Internet checksum', () => {
  it('equals the word-by-word one on any bytes at any offset', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), fc.nat(9), (bytes, offset) => {
        const memory = new Uint8Array(offset + bytes.length + 40).fill(0xa5);
        memory.set(bytes, offset);
        const view = new DataView(memory.buffer);
        expect(checksumOf(sumWords(view, offset, bytes.length))).toBe(naiveChecksum(bytes));
      }),
    );
  });

  it('equals it on 64 KB of ones, where carries are the most', () => {
    const bytes = new Uint8Array(65_535).fill(0xff);
    expect(checksumOf(sumWords(new DataView(bytes.buffer), 0, bytes.length))).toBe(naiveChecksum(bytes));
  });

  it('can be summed in parts of even length, and with fields that are not in memory', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(100), fc.nat(0xffff), (bytes, cut, field) => {
        const at = Math.min(cut * 2, bytes.length & ~1);
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
        const parts = fieldSum(field) + sumWords(view, 0, at) + sumWords(view, at, bytes.length - at);
        expect(checksumOf(parts)).toBe(naiveChecksum(Uint8Array.of(field >>> 8, field & 0xff, ...bytes)));
      }),
    );
  });

  it('folds to all ones over bytes that hold their own checksum', () => {
    const header = Uint8Array.of(0x45, 0, 0, 60, 1, 2, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2);
    const view = new DataView(header.buffer);
    view.setUint16(10, checksumOf(sumWords(view, 0, 20)));
    expect(foldSum(sumWords(view, 0, 20))).toBe(0xffff);
  });
});
