// What every CryptoProvider promises, as tests: provider.spec.ts runs them for each implementation.

import { bytesEqual } from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';
import { passesKnownAnswers } from './choose-provider.js';
import { CryptoError, type CryptoErrorCode } from './crypto-error.js';
import type { CryptoProvider } from './provider.js';

const EMPTY = new Uint8Array(0);
const KEY = sequence(32, 1);
const NONCE = sequence(12, 101);

export function describeCryptoProvider(provider: CryptoProvider): void {
  describe(`the ${provider.name} provider`, () => {
    it('gives the known answers of RFC 7748, RFC 8439 and RFC 7693', () => {
      expect(passesKnownAnswers(provider)).toBe(true);
    });

    describe('X25519', () => {
      it('gives both sides of a pair the same secret', () => {
        const [a, b] = [provider.privateKey(sequence(32, 1)), provider.privateKey(sequence(32, 50))];
        expect(a.sharedSecret(b.publicKey)).toEqual(b.sharedSecret(a.publicKey));
      });

      it('clamps the private key, so the five ignored bits change nothing', () => {
        const plain = sequence(32, 1);
        const turned = Uint8Array.from(plain);
        turned[0]! ^= 0b0000_0111;
        turned[31]! ^= 0b1100_0000;
        expect(provider.privateKey(turned).publicKey).toEqual(provider.privateKey(plain).publicKey);
      });

      it('copies the private bytes: the caller may zero its own', () => {
        const bytes = sequence(32, 1);
        const key = provider.privateKey(bytes);
        bytes.fill(0xff);
        const other = provider.privateKey(sequence(32, 50)).publicKey;
        expect(key.sharedSecret(other)).toEqual(provider.privateKey(sequence(32, 1)).sharedSecret(other));
      });

      it('does not change the private bytes of the caller', () => {
        const bytes = new Uint8Array(32).fill(0xff);
        provider.privateKey(bytes);
        expect(bytes).toEqual(new Uint8Array(32).fill(0xff));
      });

      it('ignores the high bit of the peer key', () => {
        const key = provider.privateKey(sequence(32, 1));
        const peer = provider.privateKey(sequence(32, 50)).publicKey;
        const highBit = Uint8Array.from(peer);
        highBit[31]! |= 0x80;
        expect(key.sharedSecret(highBit)).toEqual(key.sharedSecret(peer));
      });

      it('hands out a secret that the caller owns', () => {
        const key = provider.privateKey(sequence(32, 1));
        const peer = provider.privateKey(sequence(32, 50)).publicKey;
        const first = key.sharedSecret(peer)!;
        const copy = Uint8Array.from(first);
        first.fill(0);
        expect(key.sharedSecret(peer)).toEqual(copy);
      });

      it('refuses keys and peers that are not 32 bytes', () => {
        const key = provider.privateKey(KEY);
        for (const length of [0, 31, 33]) {
          expectCode('wrong-length', () => provider.privateKey(new Uint8Array(length)));
          expectCode('wrong-length', () => key.sharedSecret(new Uint8Array(length)));
        }
      });

      it('refuses to work with a zeroed key', () => {
        const key = provider.privateKey(KEY);
        key.zero();
        expectCode('key-zeroed', () => key.sharedSecret(provider.privateKey(KEY).publicKey));
      });
    });

    describe('ChaCha20-Poly1305', () => {
      it('opens what it sealed, whatever the length', () => {
        for (const length of [0, 1, 15, 16, 17, 63, 64, 65, 255, 256, 1420, 65_535]) {
          const plaintext = sequence(length, 7);
          const sealed = seal(plaintext, sequence(20, 9));
          const opened = new Uint8Array(length);
          expect(provider.open(KEY, NONCE, sealed, sequence(20, 9), opened)).toBe(true);
          expect(bytesEqual(opened, plaintext)).toBe(true);
        }
      });

      it('seals and opens in place', () => {
        const plaintext = sequence(100, 7);
        const buffer = new Uint8Array(116);
        buffer.set(plaintext);
        provider.seal(KEY, NONCE, buffer.subarray(0, 100), EMPTY, buffer);
        expect(buffer).toEqual(seal(plaintext));
        expect(provider.open(KEY, NONCE, buffer, EMPTY, buffer.subarray(0, 100))).toBe(true);
        expect(buffer.subarray(0, 100)).toEqual(plaintext);
      });

      it('works on unaligned views and leaves the bytes around its output alone', () => {
        const plaintext = sequence(100, 7);
        for (const offset of [1, 2, 3]) {
          const memory = new Uint8Array(256).fill(0xee);
          const input = new Uint8Array(128).subarray(offset, offset + 100);
          input.set(plaintext);
          provider.seal(KEY, NONCE, input, EMPTY, memory.subarray(offset, offset + 116));
          expect(memory.slice(offset, offset + 116)).toEqual(seal(plaintext));
          expect(memory.slice(0, offset).every((byte) => byte === 0xee)).toBe(true);
          expect(memory.slice(offset + 116).every((byte) => byte === 0xee)).toBe(true);
        }
      });

      it('works on shared memory, where session keys live', () => {
        const shared = (bytes: Uint8Array): Uint8Array => {
          const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
          copy.set(bytes);
          return copy;
        };
        const plaintext = sequence(100, 7);
        const sealed = shared(new Uint8Array(116));
        const opened = shared(new Uint8Array(100));
        provider.seal(shared(KEY), shared(NONCE), shared(plaintext), shared(sequence(5, 3)), sealed);
        expect(bytesEqual(sealed, seal(plaintext, sequence(5, 3)))).toBe(true);
        expect(provider.open(shared(KEY), shared(NONCE), sealed, shared(sequence(5, 3)), opened)).toBe(true);
        expect(bytesEqual(opened, plaintext)).toBe(true);
      });

      it('leaves its inputs as they were', () => {
        const [key, nonce, plaintext, additionalData] = [
          sequence(32, 1),
          sequence(12, 2),
          sequence(50, 3),
          sequence(9, 4),
        ];
        const sealed = new Uint8Array(66);
        provider.seal(key, nonce, plaintext, additionalData, sealed);
        const kept = Uint8Array.from(sealed);
        provider.open(key, nonce, sealed, additionalData, new Uint8Array(50));
        expect([key, nonce, plaintext, additionalData, sealed]).toEqual([
          sequence(32, 1),
          sequence(12, 2),
          sequence(50, 3),
          sequence(9, 4),
          kept,
        ]);
      });

      it('refuses a message in which any one bit was turned', () => {
        const sealed = seal(sequence(20, 7), sequence(4, 5));
        for (let bit = 0; bit < sealed.length * 8; bit++) {
          const forged = Uint8Array.from(sealed);
          forged[bit >> 3]! ^= 1 << (bit & 7);
          expect(provider.open(KEY, NONCE, forged, sequence(4, 5), new Uint8Array(20))).toBe(false);
        }
      });

      it('refuses another key, another nonce and other additional data', () => {
        const sealed = seal(sequence(20, 7), sequence(4, 5));
        const out = new Uint8Array(20);
        expect(provider.open(sequence(32, 2), NONCE, sealed, sequence(4, 5), out)).toBe(false);
        expect(provider.open(KEY, sequence(12, 2), sealed, sequence(4, 5), out)).toBe(false);
        expect(provider.open(KEY, NONCE, sealed, sequence(4, 6), out)).toBe(false);
        expect(provider.open(KEY, NONCE, sealed, EMPTY, out)).toBe(false);
      });

      it('takes what is shorter than a tag for a forgery', () => {
        for (let length = 0; length < 16; length++) {
          expect(provider.open(KEY, NONCE, new Uint8Array(length), EMPTY, EMPTY)).toBe(false);
          expect(provider.xopen(KEY, sequence(24, 1), new Uint8Array(length), EMPTY)).toBeUndefined();
        }
      });

      it('refuses keys, nonces and outputs of another length', () => {
        const [plaintext, sealed] = [new Uint8Array(20), new Uint8Array(36)];
        for (const key of [new Uint8Array(31), new Uint8Array(33)]) {
          expectCode('wrong-length', () => provider.seal(key, NONCE, plaintext, EMPTY, sealed));
          expectCode('wrong-length', () => provider.open(key, NONCE, sealed, EMPTY, plaintext));
        }
        for (const nonce of [new Uint8Array(8), new Uint8Array(24)]) {
          expectCode('wrong-length', () => provider.seal(KEY, nonce, plaintext, EMPTY, sealed));
          expectCode('wrong-length', () => provider.open(KEY, nonce, sealed, EMPTY, plaintext));
        }
        for (const delta of [-1, 1]) {
          expectCode('wrong-length', () => provider.seal(KEY, NONCE, plaintext, EMPTY, new Uint8Array(36 + delta)));
          expectCode('wrong-length', () => provider.open(KEY, NONCE, sealed, EMPTY, new Uint8Array(20 + delta)));
        }
      });

      it('refuses an output that overlaps its input from another byte on', () => {
        const memory = new Uint8Array(200);
        for (const shift of [-1, 1, 15, 16, -16]) {
          const start = 40 + shift;
          expectCode('overlapping-buffers', () =>
            provider.seal(KEY, NONCE, memory.subarray(40, 80), EMPTY, memory.subarray(start, start + 56)),
          );
          expectCode('overlapping-buffers', () =>
            provider.open(KEY, NONCE, memory.subarray(40, 96), EMPTY, memory.subarray(start, start + 40)),
          );
        }
      });

      it('accepts an output that lies right behind its input in the same memory', () => {
        const memory = new Uint8Array(100);
        memory.set(sequence(40, 7));
        provider.seal(KEY, NONCE, memory.subarray(0, 40), EMPTY, memory.subarray(40, 96));
        expect(memory.subarray(40, 96)).toEqual(seal(sequence(40, 7)));
      });

      function seal(plaintext: Uint8Array, additionalData: Uint8Array = EMPTY): Uint8Array {
        const out = new Uint8Array(plaintext.length + 16);
        provider.seal(KEY, NONCE, plaintext, additionalData, out);
        return out;
      }
    });

    describe('XChaCha20-Poly1305', () => {
      it('opens what it sealed, and nothing that was altered', () => {
        const nonce = sequence(24, 3);
        const sealed = provider.xseal(KEY, nonce, sequence(16, 5), sequence(16, 6));
        expect(sealed.length).toBe(32);
        expect(provider.xopen(KEY, nonce, sealed, sequence(16, 6))).toEqual(sequence(16, 5));
        expect(provider.xopen(KEY, nonce, sealed, sequence(16, 7))).toBeUndefined();
        sealed[0]! ^= 1;
        expect(provider.xopen(KEY, nonce, sealed, sequence(16, 6))).toBeUndefined();
      });

      it('refuses keys and nonces of another length', () => {
        expectCode('wrong-length', () => provider.xseal(new Uint8Array(31), sequence(24, 3), EMPTY, EMPTY));
        expectCode('wrong-length', () => provider.xseal(KEY, NONCE, EMPTY, EMPTY));
        expectCode('wrong-length', () => provider.xopen(KEY, NONCE, new Uint8Array(16), EMPTY));
      });
    });

    describe('hashes', () => {
      it('refuses BLAKE2s digests and keys that do not exist', () => {
        for (const length of [0, 33, 1.5, -1, Number.NaN])
          expectCode('wrong-length', () => provider.blake2s(EMPTY, length));
        expectCode('wrong-length', () => provider.blake2s(EMPTY, 32, new Uint8Array(33)));
      });

      it('takes an empty BLAKE2s key for none', () => {
        expect(provider.blake2s(KEY, 32, EMPTY)).toEqual(provider.blake2s(KEY, 32));
        expect(provider.blake2s(KEY, 16, EMPTY)).toEqual(provider.blake2s(KEY, 16));
      });

      it('does not cut a long BLAKE2s digest to make a short one', () => {
        expect(provider.blake2s(KEY, 16)).not.toEqual(provider.blake2s(KEY, 32).slice(0, 16));
      });

      it('prepares a BLAKE2s key for many messages, anywhere in a buffer', () => {
        const mac = provider.blake2sMac(sequence(20, 3));
        for (const length of [1, 63, 64, 65, 116, 128, 300, 70_000]) {
          const message = sequence(length, 9);
          const expected = provider.blake2s(message, 16, sequence(20, 3));
          expect(mac.compute(message)).toEqual(expected);
          const memory = new Uint8Array(length + 40);
          memory.set(message, 5);
          memory.set(expected, length + 7);
          expect(mac.verify(memory, 5, 5 + length, length + 7)).toBe(true);
          memory[length + 22]! ^= 1;
          expect(mac.verify(memory, 5, 5 + length, length + 7)).toBe(false);
        }
        expect(() => mac.compute(EMPTY)).toThrow(RangeError);
        mac.zero();
        expect(mac.compute(KEY)).not.toEqual(provider.blake2s(KEY, 16, sequence(20, 3)));
        expectCode('wrong-length', () => provider.blake2sMac(new Uint8Array(33)));
      });

      it('tags long messages, too, and takes no key that is longer than a block', () => {
        for (const length of [0, 2048, 2049, 5000]) {
          const message = sequence(length, 7);
          expect(provider.hmacSha256Tag(KEY, message)).toEqual(provider.hmacSha256(KEY, message));
        }
        expectCode('wrong-length', () => provider.hmacSha256Tag(new Uint8Array(65), KEY));
      });

      it('answers with plain arrays, whose slices are copies', () => {
        const digests = [
          provider.blake2s(KEY, 32),
          provider.blake2s(KEY, 16, KEY),
          provider.blake2sMac(KEY).compute(KEY),
          provider.hmacBlake2s(KEY, KEY),
          provider.sha256(KEY),
          provider.hmacSha256(KEY, KEY),
          provider.hmacSha256Tag(KEY, KEY),
          provider.hmacSha1(KEY, KEY),
          provider.privateKey(KEY).publicKey,
          provider.privateKey(KEY).sharedSecret(provider.privateKey(sequence(32, 50)).publicKey)!,
        ];
        for (const digest of digests) expect(Object.getPrototypeOf(digest)).toBe(Uint8Array.prototype);
      });
    });

    it('compares bytes by value and length', () => {
      expect(provider.equal(sequence(16, 1), sequence(16, 1))).toBe(true);
      expect(provider.equal(sequence(16, 1), sequence(15, 1))).toBe(false);
      expect(provider.equal(EMPTY, EMPTY)).toBe(true);
      for (let i = 0; i < 16; i++) {
        const other = sequence(16, 1);
        other[i]! ^= 0x80;
        expect(provider.equal(sequence(16, 1), other)).toBe(false);
      }
    });
  });
}

function expectCode(code: CryptoErrorCode, act: () => unknown): void {
  expect(act).toThrow(CryptoError);
  expect(act).toThrow(expect.objectContaining({ code }));
}

/** `length` bytes that count up from `first`. */
function sequence(length: number, first: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => first + i);
}
