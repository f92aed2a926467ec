// What every provider demands of the buffers that it is handed, checked before any key is touched. Both providers call
// these, so a caller's mistake shows in the same way whichever of them was chosen.

import { CryptoError } from './crypto-error.js';

/** Bytes that the Poly1305 tag adds to a plaintext (RFC 8439 §2.8). */
export const TAG_LENGTH = 16;
export const KEY_LENGTH = 32;
/** Of SHA-256 (FIPS 180-4 §1). */
export const SHA256_BLOCK_LENGTH = 64;
/** RFC 8439 §2.8. */
export const NONCE_LENGTH = 12;
/** draft-irtf-cfrg-xchacha-03 §2.3. */
export const EXTENDED_NONCE_LENGTH = 24;

export function requireLength(what: string, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) throw new CryptoError('wrong-length', `${what}: ${bytes.length} bytes, not ${length}`);
}

export function requireSealBuffers(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, out: Uint8Array): void {
  requireLength('key', key, KEY_LENGTH);
  requireLength('nonce', nonce, NONCE_LENGTH);
  requireLength('sealed output', out, plaintext.length + TAG_LENGTH);
  requireNoShiftedOverlap(plaintext, out);
}

/** `ciphertext` has at least TAG_LENGTH bytes: a shorter one is forged, which is not the caller's mistake. */
export function requireOpenBuffers(key: Uint8Array, nonce: Uint8Array, ciphertext: Uint8Array, out: Uint8Array): void {
  requireLength('key', key, KEY_LENGTH);
  requireLength('nonce', nonce, NONCE_LENGTH);
  requireLength('opened output', out, ciphertext.length - TAG_LENGTH);
  requireNoShiftedOverlap(ciphertext, out);
}

/** BLAKE2s has digests of 1…32 bytes and keys of 0…32 bytes (RFC 7693 §2.1). */
export function requireBlake2sLengths(outputLength: number, key: Uint8Array | undefined): void {
  if (!Number.isInteger(outputLength) || outputLength < 1 || outputLength > 32)
    throw new CryptoError('wrong-length', `BLAKE2s digest: ${outputLength} bytes, not 1 to 32`);
  if (key && key.length > 32) throw new CryptoError('wrong-length', `BLAKE2s key: ${key.length} bytes, not 0 to 32`);
}

/** A longer key would have to be hashed first (RFC 2104 §2). */
export function requireBlockKey(key: Uint8Array): void {
  if (key.length > SHA256_BLOCK_LENGTH)
    throw new CryptoError('wrong-length', `HMAC key: ${key.length} bytes, not 0 to ${SHA256_BLOCK_LENGTH}`);
}

/** A cipher that goes forward byte by byte may write over what it has read, not over what it has yet to read. */
function requireNoShiftedOverlap(input: Uint8Array, out: Uint8Array): void {
  if (input.buffer !== out.buffer || input.byteOffset === out.byteOffset) return;
  const disjoint = input.byteOffset + input.length <= out.byteOffset || out.byteOffset + out.length <= input.byteOffset;
  if (!disjoint) throw new CryptoError('overlapping-buffers', 'input and output overlap and start at different bytes');
}
