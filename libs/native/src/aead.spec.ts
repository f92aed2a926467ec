import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { loadAead, OpeningContext, SealingContext } from './aead.js';
import { processArena } from './arena.js';

/** Why OpenSSL cannot be reached over FFI here, if so. */
function whyNot(): string | undefined {
  try {
    loadAead();
    return undefined;
  } catch (error) {
    return String(error);
  }
}

const TAG = 16;
const key = randomBytes(32);

/** Node's own binding, as an independent witness. */
function sealByNode(nonce: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: TAG });
  return new Uint8Array(Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]));
}

function nonceOf(low: number, high: number): Uint8Array {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setUint32(4, low, true);
  new DataView(nonce.buffer).setUint32(8, high, true);
  return nonce;
}

const counters = fc.tuple(fc.nat(0xffff_ffff), fc.nat(0xffff_ffff));

describe.skipIf(whyNot() !== undefined)('AEAD by OpenSSL over FFI (needs koffi and OpenSSL 3)', () => {
  it('seals as node:crypto does, any length under any counter, in place or not', () => {
    const sealing = new SealingContext();
    sealing.setKey(key);
    const block = processArena().allocate(4096);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1800 }), counters, fc.boolean(), (plaintext, [low, high], inPlace) => {
        const target = inPlace ? 0 : 2048;
        block.bytes.set(plaintext);
        sealing.seal(low, high, block.address, plaintext.length, block.address + target);
        const sealed = block.bytes.slice(target, target + plaintext.length + TAG);
        expect(sealed).toEqual(sealByNode(nonceOf(low, high), plaintext));
      }),
    );
    sealing.free();
  });

  it('opens what node:crypto sealed, and refuses it with any bit turned', () => {
    const opening = new OpeningContext();
    opening.setKey(key);
    const block = processArena().allocate(2048);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1800 }), counters, fc.nat(), (plaintext, [low, high], turned) => {
        const sealed = sealByNode(nonceOf(low, high), plaintext);
        block.bytes.set(sealed);
        expect(opening.open(low, high, block.address, plaintext.length, block.address)).toBe(true);
        expect(block.bytes.slice(0, plaintext.length)).toEqual(plaintext);

        block.bytes.set(sealed);
        block.bytes[turned % sealed.length]! ^= 1 << (turned % 8);
        expect(opening.open(low, high, block.address, plaintext.length, block.address)).toBe(false);
        // The context is as good as before.
        block.bytes.set(sealed);
        expect(opening.open(low, high, block.address, plaintext.length, block.address)).toBe(true);
      }),
    );
    opening.free();
  });

  it('follows a change of keys, and has none after it forgot', () => {
    const other = randomBytes(32);
    const sealing = new SealingContext();
    const block = processArena().allocate(64);
    const seal = (with_: Uint8Array): Uint8Array => {
      sealing.setKey(with_);
      block.bytes.fill(0);
      sealing.seal(1, 0, block.address, 32, block.address);
      return block.bytes.slice(0, 48);
    };
    const first = seal(key);
    expect(seal(other)).not.toEqual(first);
    expect(seal(key)).toEqual(first);
    sealing.forgetKey();
    expect(() => sealing.seal(2, 0, block.address, 32, block.address)).toThrow(
      expect.objectContaining({ code: 'native-unavailable' }) as Error,
    );
    expect(seal(key)).toEqual(first);
    sealing.free();
  });

  it('refuses a key of another length', () => {
    expect(() => new SealingContext().setKey(new Uint8Array(31))).toThrow(RangeError);
  });

  it('agrees with node:crypto in the other direction too', () => {
    const sealing = new SealingContext();
    sealing.setKey(key);
    const block = processArena().allocate(128);
    block.bytes.set(new Uint8Array(100).fill(7));
    sealing.seal(5, 6, block.address, 100, block.address);
    const decipher = createDecipheriv('chacha20-poly1305', key, nonceOf(5, 6), { authTagLength: TAG });
    decipher.setAuthTag(block.bytes.slice(100, 116));
    const opened = Buffer.concat([decipher.update(block.bytes.slice(0, 100)), decipher.final()]);
    expect(new Uint8Array(opened)).toEqual(new Uint8Array(100).fill(7));
    sealing.free();
  });
});
