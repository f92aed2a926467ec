// The keys of a client and a relay, from X25519 with labels and directions (docs/relay.md): what is reflected to its sender, or
// moved to another session, never verifies.

import {
  type CryptoProvider,
  deriveLabelledKey,
  SIPHASH_KEY_BYTES,
  sipHashKey,
  type SipHashKey,
} from '@shadownet/crypto';
import { concatBytes, type PublicKey } from '@shadownet/primitives';
import { TAG_BYTES } from './constants.js';

/** Of a client's static key and the relay's; 32 bytes each. Owned by whoever derived them: `zeroStaticKeys`. */
export interface StaticKeys {
  readonly client: PublicKey;
  readonly relay: PublicKey;
  readonly shared: Uint8Array;
  readonly connect: Uint8Array;
  readonly accept: Uint8Array;
}

export function deriveStaticKeys(
  crypto: CryptoProvider,
  shared: Uint8Array,
  client: PublicKey,
  relay: PublicKey,
): StaticKeys {
  return {
    ...{ client, relay, shared },
    connect: deriveLabelledKey(crypto, shared, 'shadownet relay connect v1', client, relay),
    accept: deriveLabelledKey(crypto, shared, 'shadownet relay accept v1', relay, client),
  };
}

export function zeroStaticKeys({ shared, connect, accept }: StaticKeys): void {
  for (const key of [shared, connect, accept]) key.fill(0);
}

/** Seals the identity in a connect; of the client's ephemeral key and the relay's. Used once, so its nonce is zero. */
export function deriveIdentityKey(
  crypto: CryptoProvider,
  shared: Uint8Array,
  ephemeral: PublicKey,
  relay: PublicKey,
): Uint8Array {
  return deriveLabelledKey(crypto, shared, 'shadownet relay identity v1', ephemeral, relay);
}

export interface FrameKeys {
  readonly toRelay: SipHashKey;
  readonly toClient: SipHashKey;
}

/** Of one session: `nonce` is the client's, `salt` the relay's. */
export function deriveFrameKeys(
  crypto: CryptoProvider,
  { shared, client, relay }: StaticKeys,
  nonce: Uint8Array,
  salt: Uint8Array,
): FrameKeys {
  const derive = (from: PublicKey, to: PublicKey): SipHashKey => {
    const key = deriveLabelledKey(crypto, shared, 'shadownet relay frame v1', from, to, concatBytes(nonce, salt));
    const short = sipHashKey(key.subarray(0, SIPHASH_KEY_BYTES));
    key.fill(0);
    return short;
  };
  return { toRelay: derive(client, relay), toClient: derive(relay, client) };
}

/** The tag of a handshake frame: HMAC-SHA256 of all before it, 16 bytes. */
export function handshakeTag(crypto: CryptoProvider, key: Uint8Array, covered: Uint8Array): Uint8Array {
  return crypto.hmacSha256(key, covered).subarray(0, TAG_BYTES);
}
