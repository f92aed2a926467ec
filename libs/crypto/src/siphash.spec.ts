import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_COPIED_BYTES, SipHasher, sipHashKey } from './siphash.js';

describe('SipHash-2-4', () => {
  it('gives the tag of the worked example (appendix A of the paper)', () => {
    const key = sipHashKey(Uint8Array.from({ length: 16 }, (_, i) => i));
    const message = Uint8Array.from({ length: 15 }, (_, i) => i);
    expect(tagOf(new SipHasher(), key, message)).toBe(0xa129ca6149be45e5n);
  });

  it('equals the formulas of the paper on any message', () => {
    const hasher = new SipHasher();
    fc.assert(
      fc.property(bytesOf(16), fc.uint8Array({ minLength: 8, maxLength: 200 }), (key, message) => {
        expect(tagOf(hasher, sipHashKey(key), message)).toBe(byTheFormulas(key, message));
      }),
    );
  });

  it('is the same wherever the message lies', () => {
    const hasher = new SipHasher(4096);
    const elsewhere = new SipHasher();
    fc.assert(
      fc.property(bytesOf(16), fc.uint8Array({ maxLength: 300 }), fc.nat(700), (key, message, offset) => {
        hasher.memory.fill(0xee);
        hasher.memory.set(message, offset);
        hasher.hash(sipHashKey(key), 7, -9, hasher.memory, offset, message.length);
        elsewhere.hash(sipHashKey(key), 7, -9, message, 0, message.length);
        expect([hasher.low, hasher.high]).toEqual([elsewhere.low, elsewhere.high]);
      }),
    );
  });

  it('reaches to the last byte of its memory', () => {
    const hasher = new SipHasher(61_000);
    const length = 1459;
    hasher.memory.fill(3);
    const key = sipHashKey(new Uint8Array(16));
    hasher.hash(key, 0, 0, hasher.memory, hasher.memory.length - length, length);
    const there = [hasher.low, hasher.high];
    hasher.hash(key, 0, 0, new Uint8Array(length).fill(3), 0, length);
    expect([hasher.low, hasher.high]).toEqual(there);
  });

  it('refuses keys of another length, and copies of more than it has room for', () => {
    expect(() => sipHashKey(new Uint8Array(15))).toThrow('15 bytes');
    const long = new Uint8Array(MAX_COPIED_BYTES + 1);
    expect(() => new SipHasher().hash(sipHashKey(new Uint8Array(16)), 0, 0, long, 0, long.length)).toThrow('4097');
  });
});

const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

function tagOf(hasher: SipHasher, key: Uint32Array, message: Uint8Array): bigint {
  const head = new DataView(message.buffer, message.byteOffset, 8);
  hasher.hash(key, head.getInt32(0, true), head.getInt32(4, true), message, 8, message.length - 8);
  return (BigInt(hasher.high >>> 0) << 32n) | BigInt(hasher.low >>> 0);
}

/** §2.1–2.4 of the paper, one line per formula. */
function byTheFormulas(key: Uint8Array, message: Uint8Array): bigint {
  const word = (bytes: Uint8Array) => bytes.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);
  const left = (value: bigint, by: bigint) => BigInt.asUintN(64, (value << by) | (value >> (64n - by)));
  const plus = (a: bigint, b: bigint) => BigInt.asUintN(64, a + b);
  const [k0, k1] = [word(key.subarray(0, 8)), word(key.subarray(8))];
  let v0 = k0 ^ 0x736f6d6570736575n;
  let v1 = k1 ^ 0x646f72616e646f6dn;
  let v2 = k0 ^ 0x6c7967656e657261n;
  let v3 = k1 ^ 0x7465646279746573n;
  const round = () => {
    v0 = plus(v0, v1);
    v2 = plus(v2, v3);
    v1 = left(v1, 13n) ^ v0;
    v3 = left(v3, 16n) ^ v2;
    v0 = left(v0, 32n);
    v2 = plus(v2, v1);
    v0 = plus(v0, v3);
    v1 = left(v1, 17n) ^ v2;
    v3 = left(v3, 21n) ^ v0;
    v2 = left(v2, 32n);
  };
  const padded = new Uint8Array(8 * (Math.floor(message.length / 8) + 1));
  padded.set(message);
  padded[padded.length - 1] = message.length % 256;
  for (let at = 0; at < padded.length; at += 8) {
    const m = word(padded.subarray(at, at + 8));
    v3 ^= m;
    round();
    round();
    v0 ^= m;
  }
  v2 ^= 0xffn;
  for (let i = 0; i < 4; i++) round();
  return v0 ^ v1 ^ v2 ^ v3;
}
