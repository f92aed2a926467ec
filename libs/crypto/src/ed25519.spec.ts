import { ed25519 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ed25519Signer, Ed25519Verifier } from './ed25519.js';

const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe('Ed25519', () => {
  it('makes the keys and signatures that noble makes', () => {
    fc.assert(
      fc.property(seeds, fc.uint8Array(), (seed, message) => {
        const signer = new Ed25519Signer(seed);
        expect(signer.publicKey).toEqual(ed25519.getPublicKey(seed));
        expect(signer.sign(message)).toEqual(ed25519.sign(message, seed));
      }),
      { numRuns: 20 },
    );
  });

  it('accepts the message that was signed and no other, whichever bit differs', () => {
    fc.assert(
      fc.property(
        seeds,
        fc.uint8Array({ minLength: 1, maxLength: 200 }),
        fc.nat(),
        fc.nat(511),
        (seed, message, at, bit) => {
          const signer = new Ed25519Signer(seed);
          const verifier = new Ed25519Verifier(signer.publicKey);
          const signature = signer.sign(message);
          expect(verifier.verify(message, signature)).toBe(true);
          const changed = Uint8Array.from(message);
          changed[at % message.length]! ^= 1 << (at % 8);
          expect(verifier.verify(changed, signature)).toBe(false);
          signature[bit >> 3]! ^= 1 << (bit & 7);
          expect(verifier.verify(message, signature)).toBe(false);
          expect(verifier.verify(message, signature.subarray(1))).toBe(false);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('has keys of 32 bytes', () => {
    expect(() => new Ed25519Signer(new Uint8Array(31))).toThrow('31');
    expect(() => new Ed25519Verifier(new Uint8Array(33))).toThrow('33');
  });
});
