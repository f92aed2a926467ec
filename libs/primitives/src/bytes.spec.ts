import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesEqual, concatBytes } from './bytes.js';

describe('byte arrays', () => {
  it('are equal if Buffer says so', () => {
    const short = fc.uint8Array({ max: 1, maxLength: 3 });
    fc.assert(fc.property(short, short, (a, b) => bytesEqual(a, b) === (Buffer.compare(a, b) === 0)));
  });

  it('are joined in order into an array of their own', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array()), (parts) => {
        expect(concatBytes(...parts)).toEqual(new Uint8Array(Buffer.concat(parts)));
      }),
    );
    const part = Uint8Array.of(1);
    const joined = concatBytes(part);
    part[0] = 2;
    expect([...joined]).toEqual([1]);
  });
});
