// Keys derived from an X25519 shared secret. Each purpose and each direction has its own key, so that a message which is
// reflected to its sender, or moved to another protocol, never verifies (docs/security.md).

import { concatBytes, encodeUtf8, type PublicKey } from '@shadownet/primitives';
import type { CryptoProvider } from './provider.js';

/** What a derived key is for. A new purpose gets a new label; a changed meaning gets a new version. */
export type KeyLabel =
  | 'shadownet api request v1'
  | 'shadownet api response v1'
  | 'shadownet stream event v1'
  | 'shadownet probe request v1'
  | 'shadownet probe response v1'
  | 'shadownet probe id v1'
  | 'shadownet stun request v1'
  | 'shadownet stun id v1'
  | 'shadownet relay identity v1'
  | 'shadownet relay connect v1'
  | 'shadownet relay accept v1'
  | 'shadownet relay frame v1';

/**
 * HKDF-SHA256 (RFC 5869) of a 32-byte X25519 shared secret with info = label ‖ 0 ‖ from ‖ to ‖ context: 32 bytes.
 * `from` is whoever speaks under this key, `to` whoever listens; both ends derive the same key by naming the same roles.
 */
export function deriveLabelledKey(
  crypto: CryptoProvider,
  sharedSecret: Uint8Array,
  label: KeyLabel,
  from: PublicKey,
  to: PublicKey,
  context: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const info = concatBytes(encodeUtf8(label), Uint8Array.of(0), from, to, context);
  // Extract with a zero salt, then the first and only block of expand: T(1) = HMAC(PRK, info ‖ 0x01).
  const pseudoRandomKey = crypto.hmacSha256(new Uint8Array(32), sharedSecret);
  const key = crypto.hmacSha256(pseudoRandomKey, concatBytes(info, Uint8Array.of(1)));
  pseudoRandomKey.fill(0);
  return key;
}
