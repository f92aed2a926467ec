import { createPublicKey, diffieHellman, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeBase64 } from './base64.js';
import {
  comparePublicKeys,
  encodePublicKey,
  parsePublicKey,
  publicKeyFromBytes,
  publicKeysEqual,
} from './public-key.js';

const PRIME = 2n ** 255n - 19n;
/** u-coordinates of the points of order 8, from https://cr.yp.to/ecdh.html#validate. */
const ORDER_8 = [
  325606250916557431795983626356110631294008115727848805560023387167927233504n,
  39382357235489614581723060781553021112529911719440698176882885853963445705823n,
] as const;
const LOW_ORDER = [0n, 1n, ...ORDER_8, PRIME - 1n, PRIME, PRIME + 1n];
const HIGH_BIT = 2n ** 255n;

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
/** Coordinates at the edges where reduction and the high bit matter, and anywhere else. */
const coordinate = fc.oneof(
  bytes32.map(toNumber),
  fc.bigInt({ min: PRIME - 5n, max: HIGH_BIT + 25n }),
  fc.bigInt({ min: 2n * PRIME - 5n, max: 2n ** 256n - 1n }),
);

describe('a public key', () => {
  it('is the coordinate below p that X25519 computes with, whatever its spelling', () => {
    fc.assert(
      fc.property(coordinate, (u) => {
        const expected = (u % HIGH_BIT) % PRIME;
        const key = publicKeyFromBytes(toBytes(u));
        if (LOW_ORDER.includes(expected)) expect(key).toBeUndefined();
        else expect(toNumber(key!)).toBe(expected);
      }),
      { numRuns: 1000 },
    );
  });

  it('has one spelling for all 19 coordinates from p on, and for its high-bit variants', () => {
    for (let excess = 0n; excess < 19n; excess++) {
      const canonical = publicKeyFromBytes(toBytes(excess));
      expect(publicKeyFromBytes(toBytes(PRIME + excess))).toEqual(canonical);
      expect(publicKeyFromBytes(toBytes(PRIME + excess + HIGH_BIT))).toEqual(canonical);
      expect(publicKeyFromBytes(toBytes(excess + HIGH_BIT))).toEqual(canonical);
    }
  });

  it.each(LOW_ORDER.flatMap((u) => [u, u + HIGH_BIT]))('is refused at the low-order coordinate %d', (u) => {
    expect(publicKeyFromBytes(toBytes(u))).toBeUndefined();
    expect(sharedSecretByOpenSsl(toBytes(u))).toBeUndefined();
  });

  // The list of https://cr.yp.to/ecdh.html#validate goes on with p + u and 2p − 1 … 2p + 1 for implementations that keep the
  // 256th bit. RFC 7748 drops it, and what is left is an ordinary point.
  it.each([PRIME + ORDER_8[0], PRIME + ORDER_8[1], 2n * PRIME - 1n, 2n * PRIME, 2n * PRIME + 1n])(
    'is not refused at %d, which is of low order only where the high bit counts',
    (u) => {
      const expected = u >= HIGH_BIT ? u - HIGH_BIT : u;
      expect(toNumber(publicKeyFromBytes(toBytes(u))!)).toBe(expected);
      expect(sharedSecretByOpenSsl(toBytes(u))).toBeDefined();
    },
  );

  it('is refused with another length', () => {
    for (const length of [0, 31, 33, 64]) expect(publicKeyFromBytes(new Uint8Array(length).fill(9))).toBeUndefined();
  });

  it('is a copy', () => {
    const bytes = toBytes(9n);
    const key = publicKeyFromBytes(bytes)!;
    bytes.fill(1);
    expect(toNumber(key)).toBe(9n);
  });

  it('reads back from its text, which has 44 characters', () => {
    fc.assert(
      fc.property(bytes32, (bytes) => {
        const key = publicKeyFromBytes(bytes);
        fc.pre(key !== undefined);
        const text = encodePublicKey(key);
        expect(text.length).toBe(44);
        expect(parsePublicKey(text)).toEqual(key);
      }),
    );
  });

  it('has one text: what is read from a high-bit spelling is written without', () => {
    const highBit = parsePublicKey(encodeBase64(toBytes(9n + HIGH_BIT)))!;
    expect(encodePublicKey(highBit)).toBe(encodeBase64(toBytes(9n)));
  });

  it.each([
    '',
    'AAAA',
    `${encodeBase64(toBytes(9n))} `,
    encodeBase64(toBytes(9n)).slice(0, 43),
    encodeBase64(toBytes(0n)),
  ])('is not read from %j', (text) => expect(parsePublicKey(text)).toBeUndefined());

  it('is ordered byte by byte, so both ends of a pair see the same order', () => {
    const close = fc.tuple(fc.nat(31), fc.nat(3)).map(([at, value]) => {
      const bytes = new Uint8Array(32).fill(9);
      bytes[at] = 8 + value;
      return publicKeyFromBytes(bytes)!;
    });
    fc.assert(
      fc.property(close, close, (a, b) => {
        expect(comparePublicKeys(a, b)).toBe(Buffer.compare(a, b));
        expect(comparePublicKeys(b, a)).toBe(Buffer.compare(b, a));
        expect(publicKeysEqual(a, b)).toBe(Buffer.compare(a, b) === 0);
      }),
    );
  });
});

const { privateKey } = generateKeyPairSync('x25519');

/** `undefined` where OpenSSL refuses the peer because the secret would be all zeros. */
function sharedSecretByOpenSsl(bytes: Uint8Array): Buffer | undefined {
  const x = Buffer.from(bytes).toString('base64url');
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' });
  try {
    return diffieHellman({ privateKey, publicKey });
  } catch {
    return undefined;
  }
}

/** 32 bytes, little-endian. */
function toBytes(u: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((u >> BigInt(8 * i)) & 0xffn));
}

function toNumber(bytes: Uint8Array): bigint {
  return bytes.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);
}
