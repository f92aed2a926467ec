// The nonce of a node's port mapping (RFC 6887 §11.1): the same in every run, so that after a crash the node renews what it has
// left in the router, and a secret, so that nobody else does.

import type { CryptoProvider } from '@shadownet/crypto';
import { PCP_NONCE_BYTES } from '@shadownet/paths';
import { encodeUtf8 } from '@shadownet/primitives';

/** 12 bytes of HMAC-SHA256(private key, label). `privateKey` is 32 bytes and stays the caller's. */
export function mappingNonce(crypto: CryptoProvider, privateKey: Uint8Array): Uint8Array {
  return crypto.hmacSha256(privateKey, encodeUtf8('shadownet port mapping nonce v1')).slice(0, PCP_NONCE_BYTES);
}
