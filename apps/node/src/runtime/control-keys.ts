// The keys that a node and its control server share: one per kind of message (docs/security.md).

import { type CryptoProvider, deriveLabelledKey, type PrivateKey } from '@shadownet/crypto';
import type { PublicKey } from '@shadownet/primitives';

export interface ControlKeys {
  /** 32 bytes each. */
  readonly request: Uint8Array;
  readonly response: Uint8Array;
  readonly event: Uint8Array;
}

/** `undefined` if the server's key is of low order. */
export function deriveControlKeys(
  crypto: CryptoProvider,
  privateKey: PrivateKey,
  node: PublicKey,
  server: PublicKey,
): ControlKeys | undefined {
  const secret = privateKey.sharedSecret(server);
  if (!secret) return undefined;
  const keys = {
    request: deriveLabelledKey(crypto, secret, 'shadownet api request v1', node, server),
    response: deriveLabelledKey(crypto, secret, 'shadownet api response v1', server, node),
    event: deriveLabelledKey(crypto, secret, 'shadownet stream event v1', server, node),
  };
  secret.fill(0);
  return keys;
}
