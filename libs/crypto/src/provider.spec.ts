import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nobleCrypto } from './noble-provider.js';
import { nodeCrypto } from './node-provider.js';
import { describeCryptoProvider } from './provider.contract.js';

describeCryptoProvider(nobleCrypto);
describeCryptoProvider(nodeCrypto);

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const data = fc.uint8Array({ maxLength: 300 });

describe('on random input both providers agree', () => {
  it('on public keys and shared secrets', () => {
    fc.assert(
      fc.property(bytes(32), bytes(32), (privateBytes, peer) => {
        const [noble, node] = [nobleCrypto.privateKey(privateBytes), nodeCrypto.privateKey(privateBytes)];
        expect(node.publicKey).toEqual(noble.publicKey);
        expect(node.sharedSecret(peer)).toEqual(noble.sharedSecret(peer));
      }),
    );
  });

  it('on sealed messages, and each opens what the other sealed', () => {
    fc.assert(
      fc.property(bytes(32), bytes(12), data, data, (key, nonce, plaintext, additionalData) => {
        const [byNoble, byNode] = [new Uint8Array(plaintext.length + 16), new Uint8Array(plaintext.length + 16)];
        nobleCrypto.seal(key, nonce, plaintext, additionalData, byNoble);
        nodeCrypto.seal(key, nonce, plaintext, additionalData, byNode);
        expect(byNode).toEqual(byNoble);
        for (const provider of [nobleCrypto, nodeCrypto]) {
          const opened = new Uint8Array(plaintext.length);
          expect(provider.open(key, nonce, byNode, additionalData, opened)).toBe(true);
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
        expect(nodeCrypto.open(key, nonce, noise, key, out)).toBe(false);
      }),
    );
  });

  it('on hashes and MACs', () => {
    const key = fc.uint8Array({ maxLength: 32 });
    fc.assert(
      fc.property(data, fc.integer({ min: 1, max: 32 }), fc.option(key, { nil: undefined }), (input, length, key) => {
        expect(nodeCrypto.blake2s(input, length, key)).toEqual(nobleCrypto.blake2s(input, length, key));
        expect(nodeCrypto.blake2s(input, 32)).toEqual(nobleCrypto.blake2s(input, 32));
        expect(nodeCrypto.sha256(input)).toEqual(nobleCrypto.sha256(input));
      }),
    );
    fc.assert(
      fc.property(data, data, (macKey, input) => {
        expect(nodeCrypto.hmacSha256(macKey, input)).toEqual(nobleCrypto.hmacSha256(macKey, input));
        expect(nodeCrypto.hmacSha1(macKey, input)).toEqual(nobleCrypto.hmacSha1(macKey, input));
      }),
    );
  });

  it('on equality', () => {
    const short = fc.uint8Array({ max: 1, maxLength: 3 });
    fc.assert(
      fc.property(short, short, (a, b) => {
        const same = Buffer.compare(a, b) === 0;
        expect(nobleCrypto.equal(a, b)).toBe(same);
        expect(nodeCrypto.equal(a, b)).toBe(same);
      }),
    );
  });
});
