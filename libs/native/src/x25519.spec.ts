import { createPrivateKey, createPublicKey, diffieHellman, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';

import { loadX25519, X25519Key } from './x25519.js';

/** Why OpenSSL cannot be reached over FFI here, if so. */
function whyNot(): string | undefined {
  try {
    loadX25519();
    return undefined;
  } catch (error) {
    return String(error);
  }
}

/** RFC 8410 §7: what comes before the 32 bytes of a private key in PKCS#8, and of a public key in SPKI. */
const PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex');
const SPKI = Buffer.from('302a300506032b656e032100', 'hex');

function nodePrivateKey(bytes: Uint8Array): ReturnType<typeof createPrivateKey> {
  return createPrivateKey({ key: Buffer.concat([PKCS8, bytes]), format: 'der', type: 'pkcs8' });
}

describe.skipIf(whyNot() !== undefined)('X25519 by OpenSSL over FFI (needs koffi and OpenSSL 3)', () => {
  it('gives the public keys and secrets that node:crypto gives, key after key', () => {
    for (let i = 0; i < 50; i++) {
      const [own, peer] = [randomBytes(32), randomBytes(32)];
      const key = new X25519Key(own);
      const expected = createPublicKey(nodePrivateKey(own)).export({ format: 'der', type: 'spki' });
      expect(Buffer.from(key.publicKey())).toEqual(expected.subarray(SPKI.length));
      for (const peerKey of [peer, randomBytes(32)]) {
        const publicKey = createPublicKey({ key: Buffer.concat([SPKI, peerKey]), format: 'der', type: 'spki' });
        const secret = diffieHellman({ privateKey: nodePrivateKey(own), publicKey });
        expect(Buffer.from(key.sharedSecret(peerKey)!)).toEqual(secret);
      }
      key.free();
    }
  });

  it('gives no secret for a point of low order, and works on after it', () => {
    const key = new X25519Key(randomBytes(32));
    const one = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0));
    for (const lowOrder of [new Uint8Array(32), one]) expect(key.sharedSecret(lowOrder)).toBeUndefined();
    // A stale error in OpenSSL's queue would make this throw, or fail.
    expect(nodePrivateKey(randomBytes(32)).asymmetricKeyType).toBe('x25519');
    expect(key.sharedSecret(randomBytes(32))).toHaveLength(32);
    key.free();
  });

  it('may be freed again, and refuses keys of another length', () => {
    const key = new X25519Key(randomBytes(32));
    key.free();
    key.free();
    expect(() => new X25519Key(new Uint8Array(31))).toThrow(RangeError);
  });
});
