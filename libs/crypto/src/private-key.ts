// X25519 private keys as bytes (RFC 7748 §5): making a fresh one, and the clamping that every provider applies.

import { KEY_LENGTH, requireLength } from './buffer-rules.js';
import type { RandomBytes } from './provider.js';

/** A fresh private key, clamped: 32 bytes owned by the caller, who zeroes them after use. */
export function generatePrivateKey(random: RandomBytes): Uint8Array {
  const bytes = random(KEY_LENGTH);
  requireLength('random private key', bytes, KEY_LENGTH);
  clamp(bytes);
  return bytes;
}

/** A clamped copy of 32 private bytes. Throws `wrong-length` for any other number. */
export function clampedCopy(bytes: Uint8Array): Uint8Array {
  requireLength('private key', bytes, KEY_LENGTH);
  const copy = Uint8Array.from(bytes);
  clamp(copy);
  return copy;
}

/** decodeScalar25519: a multiple of the cofactor 8 (no small-subgroup leak) with the top bit of 2^254 set. */
function clamp(scalar: Uint8Array): void {
  scalar[0]! &= 248;
  scalar[31]! &= 127;
  scalar[31]! |= 64;
}
