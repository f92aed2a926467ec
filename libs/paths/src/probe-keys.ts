// The keys and ids of the probes between two nodes, one per direction and purpose (docs/security.md): a probe that is
// reflected to its sender, or moved between requests and responses, never verifies.

import { type CryptoProvider, deriveLabelledKey, type KeyLabel, type PrivateKey } from '@shadownet/crypto';
import { type PublicKey, publicKeyFromBytes, publicKeysEqual, Secret } from '@shadownet/primitives';

/** 16 bytes: long enough that ids of different pairs don't meet. */
export const PROBE_ID_BYTES = 16;

/** Owned by whoever derived it: `zeroProbeKeys` when the peer is removed. */
export interface ProbeKeys {
  /** 16 bytes, in USERNAME of what we send. Known to the pair only, so that a watcher learns no identities from it. */
  readonly outgoingId: Uint8Array;
  /** 16 bytes, in USERNAME of what the peer sends: by it a node finds the agent that a probe is for. */
  readonly incomingId: Uint8Array;
  /** HMAC keys of 32 bytes. */
  readonly outgoingRequest: Secret;
  readonly incomingRequest: Secret;
  readonly outgoingResponse: Secret;
  readonly incomingResponse: Secret;
}

/** The keys of the pair, which both ends derive alike; `undefined` if `remote` is unfit: our own key or of low order. */
export function deriveProbeKeys(
  crypto: CryptoProvider,
  privateKey: PrivateKey,
  remote: PublicKey,
): ProbeKeys | undefined {
  const local = publicKeyFromBytes(privateKey.publicKey);
  if (!local || publicKeysEqual(local, remote)) return undefined;
  const sharedSecret = privateKey.sharedSecret(remote);
  if (!sharedSecret) return undefined;
  const outgoing = (label: KeyLabel) => deriveLabelledKey(crypto, sharedSecret, label, local, remote);
  const incoming = (label: KeyLabel) => deriveLabelledKey(crypto, sharedSecret, label, remote, local);
  const keys: ProbeKeys = {
    outgoingId: outgoing('shadownet probe id v1').slice(0, PROBE_ID_BYTES),
    incomingId: incoming('shadownet probe id v1').slice(0, PROBE_ID_BYTES),
    outgoingRequest: Secret.own(outgoing('shadownet probe request v1')),
    incomingRequest: Secret.own(incoming('shadownet probe request v1')),
    outgoingResponse: Secret.own(outgoing('shadownet probe response v1')),
    incomingResponse: Secret.own(incoming('shadownet probe response v1')),
  };
  sharedSecret.fill(0);
  return keys;
}

/** Clears the keys; an agent that still uses them sends nothing that verifies. */
export function zeroProbeKeys(keys: ProbeKeys): void {
  keys.outgoingRequest.zero();
  keys.incomingRequest.zero();
  keys.outgoingResponse.zero();
  keys.incomingResponse.zero();
}
