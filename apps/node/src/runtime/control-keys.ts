// The keys that a node and its control server share: one per kind of message (docs/security.md).

import { type CryptoProvider, deriveLabelledKey, type PrivateKey } from '@shadownet/crypto';
import type { PublicKey } from '@shadownet/primitives';

const STUN_ID_BYTES = 16;

export interface ControlKeys {
  /** 32 bytes each. */
  readonly request: Uint8Array;
  readonly response: Uint8Array;
  readonly event: Uint8Array;
  /** For requests to the control server's STUN server: 32 bytes, and the 16 bytes that name it. */
  readonly stun: Uint8Array;
  readonly stunId: Uint8Array;
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
    stun: deriveLabelledKey(crypto, secret, 'shadownet stun request v1', node, server),
    stunId: deriveLabelledKey(crypto, secret, 'shadownet stun id v1', node, server).slice(0, STUN_ID_BYTES),
  };
  secret.fill(0);
  return keys;
}
