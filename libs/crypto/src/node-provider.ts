// The provider on node:crypto (OpenSSL), where that is faster than noble, with BLAKE2s in WebAssembly. X25519 works on key
// objects. Importing a private key is the slow step (0.4 ms), so it is done once per key; it goes by PKCS#8 because a JWK
// would put the secret into a string that nobody can clear. A peer's public key goes by JWK: 6 µs, where SPKI takes 80 µs.

import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hash,
  type KeyObject,
  timingSafeEqual,
} from 'node:crypto';
import { publicKeyFromBytes } from '@shadownet/primitives';
import { fastBlake2s } from './blake2s.js';
import { KEY_LENGTH, requireLength, requireOpenBuffers, requireSealBuffers, TAG_LENGTH } from './buffer-rules.js';
import { CryptoError } from './crypto-error.js';
import { hmacSha256Tag } from './hmac-tag.js';
import { nobleCrypto } from './noble-provider.js';
import { clampedCopy } from './private-key.js';
import type { CryptoProvider, PrivateKey } from './provider.js';

const AEAD = 'chacha20-poly1305';
const AEAD_OPTIONS = { authTagLength: TAG_LENGTH };

export const nodeCrypto: CryptoProvider = {
  name: 'node',

  privateKey: (bytes) => new NodePrivateKey(bytes),

  // A third of what `hash('blake2s256')` takes, which has no key and no other length besides.
  blake2s: (input, outputLength, key) => fastBlake2s().hash(input, outputLength, key),
  blake2sMac: (key) => fastBlake2s().mac(key),
  hmacBlake2s: (key, input) => fastBlake2s().hmac(key, input),
  sha256: (input) => plainArray(hash('sha256', input, 'buffer')),
  hmacSha256: (key, input) => plainArray(createHmac('sha256', key).update(input).digest()),
  hmacSha256Tag: (key, input) => hmacSha256Tag(key, input),
  hmacSha1: (key, input) => plainArray(createHmac('sha1', key).update(input).digest()),

  seal(key, nonce, plaintext, additionalData, out) {
    requireSealBuffers(key, nonce, plaintext, out);
    const cipher = createCipheriv(AEAD, key, nonce, AEAD_OPTIONS);
    if (additionalData.length > 0) cipher.setAAD(additionalData, { plaintextLength: plaintext.length });
    out.set(cipher.update(plaintext));
    cipher.final();
    out.set(cipher.getAuthTag(), plaintext.length);
  },

  open(key, nonce, ciphertext, additionalData, out) {
    if (ciphertext.length < TAG_LENGTH) return false;
    requireOpenBuffers(key, nonce, ciphertext, out);
    const decipher = createDecipheriv(AEAD, key, nonce, AEAD_OPTIONS);
    if (additionalData.length > 0) decipher.setAAD(additionalData, { plaintextLength: out.length });
    decipher.setAuthTag(ciphertext.subarray(out.length));
    const plaintext = decipher.update(ciphertext.subarray(0, out.length));
    try {
      decipher.final();
    } catch {
      return false; // final() does nothing but compare the tags
    }
    out.set(plaintext);
    return true;
  },

  // Cookie replies only: rare, 16 bytes, and OpenSSL has no XChaCha20.
  xseal: (key, nonce, plaintext, additionalData) => nobleCrypto.xseal(key, nonce, plaintext, additionalData),
  xopen: (key, nonce, ciphertext, additionalData) => nobleCrypto.xopen(key, nonce, ciphertext, additionalData),

  equal: (a, b) => a.length === b.length && timingSafeEqual(a, b),
};

/** The DER of a PKCS#8 X25519 private key up to its 32 bytes (RFC 8410 §7). */
const PKCS8_PREFIX = Uint8Array.of(
  ...[0x30, 0x2e, 0x02, 0x01, 0x00], // SEQUENCE of 46 bytes, version 0
  ...[0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e], // AlgorithmIdentifier 1.3.101.110, id-X25519
  ...[0x04, 0x22, 0x04, 0x20], // OCTET STRING around an OCTET STRING of 32 bytes
);

class NodePrivateKey implements PrivateKey {
  readonly publicKey: Uint8Array;
  #key: KeyObject | undefined;

  constructor(bytes: Uint8Array) {
    const scalar = clampedCopy(bytes);
    const der = Buffer.alloc(PKCS8_PREFIX.length + KEY_LENGTH);
    der.set(PKCS8_PREFIX);
    der.set(scalar, PKCS8_PREFIX.length);
    this.#key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    scalar.fill(0);
    der.fill(0);
    this.publicKey = Uint8Array.from(Buffer.from(createPublicKey(this.#key).export({ format: 'jwk' }).x!, 'base64url'));
  }

  sharedSecret(peerPublicKey: Uint8Array): Uint8Array | undefined {
    if (!this.#key) throw new CryptoError('key-zeroed', 'the private key was zeroed');
    requireLength('public key', peerPublicKey, KEY_LENGTH);
    // A point of low order gives all zeros (RFC 7748 §6.1); OpenSSL throws for it.
    if (!publicKeyFromBytes(peerPublicKey)) return undefined;
    return plainArray(diffieHellman({ privateKey: this.#key, publicKey: importPublicKey(peerPublicKey) }));
  }

  /** Drops the key object; OpenSSL clears its memory when the garbage collector frees it, not before. */
  zero(): void {
    this.#key = undefined;
  }
}

function importPublicKey(bytes: Uint8Array): KeyObject {
  const x = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' });
}

/** The same memory as a Uint8Array: a Buffer's own `slice` would be a view where callers expect a copy. */
function plainArray(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}
