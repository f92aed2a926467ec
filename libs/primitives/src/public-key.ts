// X25519 public keys as identities (RFC 7748 §5, §6.1): one key has one spelling, and keys of low order are none.

import { decodeBase64, encodeBase64 } from './base64.js';
import { bytesEqual } from './bytes.js';
import { decodeHex, encodeHex } from './hex.js';

declare const publicKeyBrand: unique symbol;
declare const publicKeyTextBrand: unique symbol;

/** 32 bytes: the canonical little-endian u-coordinate below 2^255 − 19, not of low order. Not to be changed. */
export type PublicKey = Uint8Array & { readonly [publicKeyBrand]: true };

/** The base64 text of a PublicKey, 44 characters: serves as a map key. */
export type PublicKeyText = string & { readonly [publicKeyTextBrand]: true };

/** The u-coordinates of the points of order 1, 2, 4 and 8 below the field prime (https://cr.yp.to/ecdh.html#validate). */
const LOW_ORDER = new Set([
  '00'.repeat(32),
  '01' + '00'.repeat(31),
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ec' + 'ff'.repeat(30) + '7f',
]);

/** p = 2^255 − 19. */
const PRIME = decodeHex('ed' + 'ff'.repeat(30) + '7f')!;

/**
 * The key of 32 bytes (copied), made canonical: the unused high bit is cleared and a coordinate ≥ p reduced, as RFC 7748
 * §5 has every implementation do. `undefined` for another length or a key of low order.
 */
export function publicKeyFromBytes(bytes: Uint8Array): PublicKey | undefined {
  if (bytes.length !== 32) return undefined;
  const key = Uint8Array.from(bytes);
  key[31]! &= 0x7f;
  if (isAtLeastPrime(key)) subtractPrime(key);
  return LOW_ORDER.has(encodeHex(key)) ? undefined : (key as PublicKey);
}

/** Reads 44 characters of canonical base64; `undefined` if that is no public key. */
export function parsePublicKey(text: string): PublicKey | undefined {
  const bytes = decodeBase64(text);
  return bytes && publicKeyFromBytes(bytes);
}

export function encodePublicKey(key: PublicKey): PublicKeyText {
  return encodeBase64(key) as PublicKeyText;
}

export function publicKeysEqual(a: PublicKey, b: PublicKey): boolean {
  return bytesEqual(a, b);
}

/** Byte-wise order, −1, 0 or 1: lets both ends of a pair agree on who goes first. */
export function comparePublicKeys(a: PublicKey, b: PublicKey): number {
  for (let i = 0; i < 32; i++) if (a[i] !== b[i]) return a[i]! < b[i]! ? -1 : 1;
  return 0;
}

function isAtLeastPrime(key: Uint8Array): boolean {
  for (let i = 31; i >= 0; i--) if (key[i] !== PRIME[i]) return key[i]! > PRIME[i]!;
  return true;
}

/** A coordinate in p…2^255−1 exceeds p by at most 18, so only the lowest byte is left. */
function subtractPrime(key: Uint8Array): void {
  const excess = key[0]! - PRIME[0]!;
  key.fill(0);
  key[0] = excess;
}
