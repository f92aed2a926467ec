import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeUtf8, encodeUtf8 } from './utf8.js';

describe('UTF-8', () => {
  it('gives every text back as it was', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => decodeUtf8(encodeUtf8(text)) === text));
  });

  it('keeps a leading byte order mark, so that different bytes are different texts', () => {
    expect(decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x41))).toBe('\uFEFFA');
  });

  it.each([
    ['a lone continuation', [0x80]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['a cut sequence', [0xe2, 0x82]],
    ['a value above U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
  ])('refuses %s, and reads on afterwards', (_, bytes) => {
    expect(decodeUtf8(Uint8Array.from(bytes))).toBeUndefined();
    expect(decodeUtf8(Uint8Array.of(0xe2, 0x82, 0xac))).toBe('€');
  });
});
