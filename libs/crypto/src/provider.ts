// The cryptography that the protocols need, behind one interface: the noble provider is the readable reference and the
// fallback, the node provider a faster one, the EVP provider (@shadownet/crypto/evp) the fastest. They are equal on every
// input (provider.contract.ts proves it).

import type { Blake2sMac } from './blake2s.js';

/** An X25519 private key ready for use. Holds what its provider precomputed; `zero()` clears what can be cleared. */
export interface PrivateKey {
  /** 32 bytes: the canonical public key of this private key. */
  readonly publicKey: Uint8Array;
  /**
   * X25519 (RFC 7748 §5) with a peer's 32-byte public key, whose unused high bit is ignored: 32 bytes owned by the caller,
   * or `undefined` if that key is of low order, so that all would be zero (§6.1). Throws CryptoError `wrong-length`,
   * `key-zeroed`.
   */
  sharedSecret(peerPublicKey: Uint8Array): Uint8Array | undefined;
  zero(): void;
}

export interface CryptoProvider {
  readonly name: 'noble' | 'node' | 'evp';

  /** The key of 32 private bytes (copied; clamped as RFC 7748 §5 says). Throws CryptoError `wrong-length`. */
  privateKey(bytes: Uint8Array): PrivateKey;

  /** BLAKE2s (RFC 7693), `outputLength` 1…32 bytes, with a key of 0…32 bytes. Throws CryptoError `wrong-length`. */
  blake2s(input: Uint8Array, outputLength: number, key?: Uint8Array): Uint8Array;
  /** BLAKE2s-128 under a key of 1…32 bytes, prepared for many messages. Throws CryptoError `wrong-length`. */
  blake2sMac(key: Uint8Array): Blake2sMac;
  /** HMAC (RFC 2104) over BLAKE2s-256, which is not BLAKE2s's own keyed mode: 32 bytes. */
  hmacBlake2s(key: Uint8Array, input: Uint8Array): Uint8Array;
  sha256(input: Uint8Array): Uint8Array;
  /** HMAC-SHA256 (RFC 2104): 32 bytes. */
  hmacSha256(key: Uint8Array, input: Uint8Array): Uint8Array;
  /** The same for a tag that travels, under a key of up to 64 bytes: faster, and not for deriving keys. Throws CryptoError `wrong-length`. */
  hmacSha256Tag(key: Uint8Array, input: Uint8Array): Uint8Array;
  /** HMAC-SHA1: 20 bytes. Only for reading classic STUN MESSAGE-INTEGRITY (RFC 8489 §14.5). */
  hmacSha1(key: Uint8Array, input: Uint8Array): Uint8Array;

  /**
   * ChaCha20-Poly1305 (RFC 8439 §2.8). `key` is 32 bytes, `nonce` 12, `out` exactly the plaintext's length + 16: it is
   * filled with ciphertext and tag. `out` may start at the plaintext's own first byte, and overlaps no input otherwise.
   * Throws CryptoError `wrong-length` or `overlapping-buffers`: these are the caller's mistakes.
   */
  seal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, additionalData: Uint8Array, out: Uint8Array): void;
  /**
   * The reverse, under the same rules. `ciphertext` includes the 16-byte tag, `out` holds 16 bytes less. False if forged
   * or shorter than a tag; `out` is then undefined.
   */
  open(
    key: Uint8Array,
    nonce: Uint8Array,
    ciphertext: Uint8Array,
    additionalData: Uint8Array,
    out: Uint8Array,
  ): boolean;

  /** XChaCha20-Poly1305 (24-byte nonce, draft-irtf-cfrg-xchacha-03 §2.3): plaintext + 16 bytes, for cookie replies. */
  xseal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, additionalData: Uint8Array): Uint8Array;
  /** The plaintext, or `undefined` if forged or shorter than a tag. */
  xopen(key: Uint8Array, nonce: Uint8Array, ciphertext: Uint8Array, additionalData: Uint8Array): Uint8Array | undefined;

  /** Equality of two byte arrays in time that depends on their lengths only. */
  equal(a: Uint8Array, b: Uint8Array): boolean;
}

/** The part of a provider that checks MACs and cookies. */
export type MacProvider = Pick<CryptoProvider, 'blake2s' | 'blake2sMac' | 'hmacBlake2s' | 'equal'>;

/** Cryptographically secure random bytes, injected wherever they are needed: `length` fresh bytes owned by the caller. */
export type RandomBytes = (length: number) => Uint8Array;
