import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBase64, encodeBase64 } from './base64.js';

describe('base64', () => {
  it('agrees with Buffer on every array of bytes, both ways', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const text = Buffer.from(bytes).toString('base64');
        expect(encodeBase64(bytes)).toBe(text);
        expect(decodeBase64(text)).toEqual(Uint8Array.from(bytes));
      }),
    );
  });

  it('reads exactly the texts that it would write', () => {
    const symbol = fc.constantFrom(...'ABQgwxyz0189+/=-_ \n', 'ä', '😀');
    fc.assert(
      fc.property(fc.string({ unit: symbol, maxLength: 12 }), (text) => {
        const canonical = Buffer.from(text, 'base64').toString('base64') === text;
        expect(decodeBase64(text) !== undefined).toBe(canonical);
      }),
      { numRuns: 2000 },
    );
  });

  it.each(['QQ', 'QQ=', 'Q===', '====', 'QR==', 'QUJ=', 'QQ==QQ==', ' QQ==', 'QQ==\n', 'QQ-_', '='])(
    'refuses %j',
    (text) => {
      expect(decodeBase64(text)).toBeUndefined();
    },
  );

  it('takes the empty text for no bytes', () => {
    expect(decodeBase64('')).toEqual(new Uint8Array(0));
  });

  it('gives a 32-byte key one spelling: the other last symbols of 43 are refused', () => {
    const text = encodeBase64(new Uint8Array(32).fill(7));
    const others = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/']
      .map((last) => `${text.slice(0, 42)}${last}=`)
      .filter((other) => Buffer.from(other, 'base64').equals(Buffer.from(text, 'base64')));
    expect(others.length).toBe(4);
    expect(others.filter((other) => decodeBase64(other))).toEqual([text]);
  });
});
