import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nobleCrypto } from './noble-provider.js';
import { describeCryptoProvider } from './provider.contract.js';
import { fastProviders } from './fast-providers.contract.js';

describeCryptoProvider(nobleCrypto);
for (const provider of fastProviders) describeCryptoProvider(provider);

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
// Without the size most would have less than a block.
const data = fc.uint8Array({ maxLength: 300, size: 'max' });

describe.each(fastProviders)('on random input the $name provider agrees with noble', (fast) => {
  it('on public keys and shared secrets', () => {
    fc.assert(
      fc.property(bytes(32), bytes(32), (privateBytes, peer) => {
        const [noble, own] = [nobleCrypto.privateKey(privateBytes), fast.privateKey(privateBytes)];
        expect(own.publicKey).toEqual(noble.publicKey);
        expect(own.sharedSecret(peer)).toEqual(noble.sharedSecret(peer));
      }),
    );
  });

  it('on sealed messages, and each opens what the other sealed', () => {
    fc.assert(
      fc.property(bytes(32), bytes(12), data, data, (key, nonce, plaintext, additionalData) => {
        const [byNoble, byFast] = [new Uint8Array(plaintext.length + 16), new Uint8Array(plaintext.length + 16)];
        nobleCrypto.seal(key, nonce, plaintext, additionalData, byNoble);
        fast.seal(key, nonce, plaintext, additionalData, byFast);
        expect(byFast).toEqual(byNoble);
        for (const provider of [nobleCrypto, fast]) {
          const opened = new Uint8Array(plaintext.length);
          expect(provider.open(key, nonce, byFast, additionalData, opened)).toBe(true);
          expect(opened).toEqual(Uint8Array.from(plaintext));
        }
      }),
    );
  });

  it('on what is forged', () => {
    fc.assert(
      fc.property(bytes(32), bytes(12), fc.uint8Array({ maxLength: 80 }), (key, nonce, noise) => {
        const out = new Uint8Array(Math.max(0, noise.length - 16));
        expect(nobleCrypto.open(key, nonce, noise, key, out)).toBe(false);
        expect(fast.open(key, nonce, noise, key, out)).toBe(false);
      }),
    );
  });

  it('on hashes and MACs', () => {
    const key = fc.uint8Array({ maxLength: 32 });
    fc.assert(
      fc.property(data, fc.integer({ min: 1, max: 32 }), fc.option(key, { nil: undefined }), (input, length, key) => {
        expect(fast.blake2s(input, length, key)).toEqual(nobleCrypto.blake2s(input, length, key));
        expect(fast.blake2s(input, 32)).toEqual(nobleCrypto.blake2s(input, 32));
        expect(fast.sha256(input)).toEqual(nobleCrypto.sha256(input));
      }),
    );
    fc.assert(
      fc.property(data, data, (macKey, input) => {
        expect(fast.hmacSha256(macKey, input)).toEqual(nobleCrypto.hmacSha256(macKey, input));
        const blockKey = macKey.subarray(0, 64);
        expect(fast.hmacSha256Tag(blockKey, input)).toEqual(nobleCrypto.hmacSha256(blockKey, input));
        expect(fast.hmacBlake2s(macKey, input)).toEqual(nobleCrypto.hmacBlake2s(macKey, input));
        expect(fast.hmacSha1(macKey, input)).toEqual(nobleCrypto.hmacSha1(macKey, input));
      }),
    );
  });

  it('on equality', () => {
    const short = fc.uint8Array({ max: 1, maxLength: 3 });
    fc.assert(
      fc.property(short, short, (a, b) => {
        const same = Buffer.compare(a, b) === 0;
        expect(nobleCrypto.equal(a, b)).toBe(same);
        expect(fast.equal(a, b)).toBe(same);
      }),
    );
  });
});
