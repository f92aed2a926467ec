// Probes on the wire: STUN Binding requests and their answers, authenticated per pair and direction.
//
//     request, 108 bytes                          success response, 96 bytes (IPv4) or 108 (IPv6)
//     20  header, random transaction id           20  header, the request's transaction id
//     20  USERNAME: id of the direction           20  USERNAME: id of the opposite direction
//     12  PROBE-COUNTER                           12, 24  XOR-MAPPED-ADDRESS: where the request came from
//     12  PROBE-PADDING of 8                      36  MESSAGE-INTEGRITY-SHA256 under the response key
//     36  MESSAGE-INTEGRITY-SHA256                 8  FINGERPRINT
//      8  FINGERPRINT
//
// A response is bound to its request by the transaction id, so it needs no counter. It is never longer than its request.

import type { CryptoProvider } from '@shadownet/crypto';
import { bytesEqual, type Endpoint } from '@shadownet/primitives';
import {
  BINDING,
  encodeStunMessage,
  findAttribute,
  type StunMessage,
  unknownRequiredTypes,
  verifyMessageIntegritySha256,
} from '@shadownet/stun';
import { PROBE_ID_BYTES, type ProbeKeys } from './probe-keys.js';

const PADDING_BYTES = 8;

export type ProbeRejection =
  /** Not a Binding request or success, or it requires what we don't know. */
  | 'not-a-probe'
  /** Its id is not the one of what this peer sends to us; a reflected probe of our own ends here. */
  | 'wrong-id'
  | 'missing-counter'
  | 'bad-integrity';

export type OpenedProbe =
  | { readonly ok: true; readonly kind: 'request'; readonly counter: bigint }
  | { readonly ok: true; readonly kind: 'response' }
  | { readonly ok: false; readonly reason: ProbeRejection };

/** The id by which a node finds the agent that a STUN message is for (`ProbeKeys.incomingId`); `undefined` if it is no probe. */
export function probeIdOf(message: StunMessage): Uint8Array | undefined {
  const id = findAttribute(message, 'username')?.value;
  return id?.length === PROBE_ID_BYTES ? id : undefined;
}

export function encodeProbeRequest(
  crypto: CryptoProvider,
  keys: ProbeKeys,
  transactionId: Uint8Array,
  counter: bigint,
): Uint8Array {
  return encodeStunMessage({
    class: 'request',
    transactionId,
    attributes: [
      { kind: 'username', value: keys.outgoingId },
      { kind: 'probe-counter', counter },
      { kind: 'probe-padding', length: PADDING_BYTES },
    ],
    integrity: { key: keys.outgoingRequest.expose(), hmac: crypto.hmacSha256 },
    fingerprint: true,
  });
}

/** The answer to a request that came from `source`. */
export function encodeProbeResponse(
  crypto: CryptoProvider,
  keys: ProbeKeys,
  transactionId: Uint8Array,
  source: Endpoint,
): Uint8Array {
  return encodeStunMessage({
    class: 'success',
    transactionId,
    attributes: [
      { kind: 'username', value: keys.outgoingId },
      { kind: 'xor-mapped-address', endpoint: source },
    ],
    integrity: { key: keys.outgoingResponse.expose(), hmac: crypto.hmacSha256 },
    fingerprint: true,
  });
}

/** What a message of the peer is, if it is authentic. Whether it is fresh is not decided here. */
export function openProbe(
  crypto: CryptoProvider,
  keys: ProbeKeys,
  message: StunMessage,
  datagram: Uint8Array,
): OpenedProbe {
  const kind = message.class === 'request' ? 'request' : message.class === 'success' ? 'response' : undefined;
  if (!kind || message.method !== BINDING || unknownRequiredTypes(message).length > 0) {
    return { ok: false, reason: 'not-a-probe' };
  }
  const id = probeIdOf(message);
  if (!id || !bytesEqual(id, keys.incomingId)) return { ok: false, reason: 'wrong-id' };
  const key = kind === 'request' ? keys.incomingRequest : keys.incomingResponse;
  if (!verifyMessageIntegritySha256(datagram, key.expose(), crypto.hmacSha256)) {
    return { ok: false, reason: 'bad-integrity' };
  }
  if (kind === 'response') return { ok: true, kind };
  const counter = findAttribute(message, 'probe-counter')?.counter;
  return counter === undefined ? { ok: false, reason: 'missing-counter' } : { ok: true, kind, counter };
}
