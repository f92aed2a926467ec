// What a node shows to join by a join key: the key itself never leaves the host.

import { type JoinKey, type JoinProof, joinProofMessage } from '@shadownet/contracts';
import { Ed25519Signer } from '@shadownet/crypto';
import { encodeBase64, type PublicKey } from '@shadownet/primitives';

/** Of use to that node at that server only. */
export function proveJoinKey({ id, seed }: JoinKey, node: PublicKey, server: PublicKey): JoinProof {
  const signature = new Ed25519Signer(seed.expose()).sign(joinProofMessage(node, server));
  return { key_id: id, signature: encodeBase64(signature) };
}
