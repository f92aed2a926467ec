import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeHex, encodeHex } from './hex.js';

describe('hexadecimal', () => {
  it('agrees with Buffer, both ways and in either case', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const text = Buffer.from(bytes).toString('hex');
        expect(encodeHex(bytes)).toBe(text);
        expect(decodeHex(text)).toEqual(Uint8Array.from(bytes));
        expect(decodeHex(text.toUpperCase())).toEqual(Uint8Array.from(bytes));
      }),
    );
  });

  it.each(['0', 'abc', '0g', ' 00', '00\n', '0x00', '-1', '+1', '１１'])('refuses %j', (text) => {
    expect(decodeHex(text)).toBeUndefined();
  });
});
