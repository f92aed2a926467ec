// The reference provider: pure TypeScript by @noble, no Node built-in needed. The native ones must equal it on every input.

import { chacha20poly1305, xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { blake2s } from '@noble/hashes/blake2.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha1 } from '@noble/hashes/legacy.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { publicKeyFromBytes } from '@shadownet/primitives';
import { BLAKE2S_MAC_LENGTH, type Blake2sMac, requireMessage } from './blake2s.js';
import {
  EXTENDED_NONCE_LENGTH,
  KEY_LENGTH,
  requireBlake2sLengths,
  requireBlockKey,
  requireLength,
  requireOpenBuffers,
  requireSealBuffers,
  TAG_LENGTH,
} from './buffer-rules.js';
import { CryptoError } from './crypto-error.js';
import { clampedCopy } from './private-key.js';
import type { CryptoProvider, PrivateKey } from './provider.js';

export const nobleCrypto: CryptoProvider = {
  name: 'noble',

  privateKey: (bytes) => new NoblePrivateKey(bytes),

  blake2s(input, outputLength, key) {
    requireBlake2sLengths(outputLength, key);
    return blake2s(input, key && key.length > 0 ? { dkLen: outputLength, key } : { dkLen: outputLength });
  },

  blake2sMac: (key) => nobleMac(key),
  hmacBlake2s: (key, input) => hmac(blake2s, key, input),
  sha256: (input) => sha256(input),
  hmacSha256: (key, input) => hmac(sha256, key, input),
  hmacSha256Tag(key, input) {
    requireBlockKey(key);
    return hmac(sha256, key, input);
  },
  hmacSha1: (key, input) => hmac(sha1, key, input),

  seal(key, nonce, plaintext, additionalData, out) {
    requireSealBuffers(key, nonce, plaintext, out);
    chacha20poly1305(key, nonce, additionalData).encrypt(plaintext, out);
  },

  open(key, nonce, ciphertext, additionalData, out) {
    if (ciphertext.length < TAG_LENGTH) return false;
    requireOpenBuffers(key, nonce, ciphertext, out);
    try {
      chacha20poly1305(key, nonce, additionalData).decrypt(ciphertext, out);
      return true;
    } catch {
      return false; // every length is right by now, so only the tag is left to be wrong
    }
  },

  xseal(key, nonce, plaintext, additionalData) {
    requireLength('key', key, KEY_LENGTH);
    requireLength('nonce', nonce, EXTENDED_NONCE_LENGTH);
    return xchacha20poly1305(key, nonce, additionalData).encrypt(plaintext);
  },

  xopen(key, nonce, ciphertext, additionalData) {
    requireLength('key', key, KEY_LENGTH);
    requireLength('nonce', nonce, EXTENDED_NONCE_LENGTH);
    if (ciphertext.length < TAG_LENGTH) return undefined;
    try {
      return xchacha20poly1305(key, nonce, additionalData).decrypt(ciphertext);
    } catch {
      return undefined; // the tag, as above
    }
  },

  equal(a, b) {
    if (a.length !== b.length) return false;
    let difference = 0;
    for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
    return difference === 0;
  },
};

function nobleMac(key: Uint8Array): Blake2sMac {
  requireBlake2sLengths(BLAKE2S_MAC_LENGTH, key);
  const own = Uint8Array.from(key);
  const compute = (message: Uint8Array): Uint8Array => {
    requireMessage(0, message.length);
    return nobleCrypto.blake2s(message, BLAKE2S_MAC_LENGTH, own);
  };
  return {
    compute,
    verify: (bytes, start, end, macAt) =>
      nobleCrypto.equal(compute(bytes.subarray(start, end)), bytes.subarray(macAt, macAt + BLAKE2S_MAC_LENGTH)),
    zero: () => void own.fill(0),
  };
}

class NoblePrivateKey implements PrivateKey {
  readonly publicKey: Uint8Array;
  readonly #scalar: Uint8Array;
  #zeroed = false;

  constructor(bytes: Uint8Array) {
    this.#scalar = clampedCopy(bytes);
    this.publicKey = x25519.getPublicKey(this.#scalar);
  }

  sharedSecret(peerPublicKey: Uint8Array): Uint8Array | undefined {
    if (this.#zeroed) throw new CryptoError('key-zeroed', 'the private key was zeroed');
    requireLength('public key', peerPublicKey, KEY_LENGTH);
    // A point of low order gives all zeros (RFC 7748 §6.1); noble throws for it.
    if (!publicKeyFromBytes(peerPublicKey)) return undefined;
    return x25519.getSharedSecret(this.#scalar, peerPublicKey);
  }

  /** Clears the scalar. The BigInts that noble computed with are left to the garbage collector. */
  zero(): void {
    this.#scalar.fill(0);
    this.#zeroed = true;
  }
}
