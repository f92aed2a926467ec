import { describe, expect, it } from 'vitest';
import { CryptoError } from './crypto-error.js';
import { nobleCrypto } from './noble-provider.js';
import { generatePrivateKey } from './private-key.js';

describe('a generated private key', () => {
  it('is the random bytes with the five bits of RFC 7748 §5 fixed', () => {
    const high = generatePrivateKey((length) => new Uint8Array(length).fill(0xff));
    expect([high[0], high[1], high[30], high[31]]).toEqual([0xf8, 0xff, 0xff, 0x7f]);
    const low = generatePrivateKey((length) => new Uint8Array(length));
    expect([low[0], low[1], low[30], low[31]]).toEqual([0, 0, 0, 0x40]);
  });

  it('has the public key of the bytes that it was made from', () => {
    const random = Uint8Array.from({ length: 32 }, (_, i) => 255 - i);
    const generated = generatePrivateKey(() => Uint8Array.from(random));
    expect(nobleCrypto.privateKey(generated).publicKey).toEqual(nobleCrypto.privateKey(random).publicKey);
  });

  it('is refused if the source gives another number of bytes', () => {
    expect(() => generatePrivateKey(() => new Uint8Array(31))).toThrow(CryptoError);
  });
});
