// Probes on the wire: STUN Binding requests and their answers, authenticated per pair and direction.
//
//     request, 120 bytes or more                  success response, 96 to 120 bytes
//     20  header, random transaction id           20  header, the request's transaction id
//     20  USERNAME: id of the direction           20  USERNAME: id of the opposite direction
//     12  PROBE-COUNTER                           0, 12, 24  XOR-MAPPED-ADDRESS: where the request came from
//     24… PROBE-PADDING of 20 or more             12  PATH-REPORT: what data came on the path
//     36  MESSAGE-INTEGRITY-SHA256                36  MESSAGE-INTEGRITY-SHA256 under the response key
//      8  FINGERPRINT                              8  FINGERPRINT
//
//     call: an indication with USERNAME, PROBE-COUNTER, CALL, and the integrity of a request
//
// A response is bound to its request by the transaction id, so it needs no counter. It is never longer than its request.
// What a relay handed on came from no endpoint: its answer has no XOR-MAPPED-ADDRESS.

import type { CryptoProvider } from '@shadownet/crypto';
import { bytesEqual, type Path } from '@shadownet/primitives';
import {
  BINDING,
  encodeStunMessage,
  findAttribute,
  type StunMessage,
  unknownRequiredTypes,
  verifyMessageIntegritySha256,
} from '@shadownet/stun';
import { PROBE_ID_BYTES, type ProbeKeys } from './probe-keys.js';

const PADDING_BYTES = 20;

/** The shortest request. */
export const PROBE_REQUEST_BYTES = 120;

/** What data came on a path, as its receiver tells the sender in its answers to probes. */
export interface PathReport {
  /** Since it knows the path; counted modulo 2^32. */
  readonly packets: number;
  /** Of the largest datagram with data within the last one to two seconds; 0 if there was none. */
  readonly largestBytes: number;
}

export type ProbeRejection =
  /** Not a Binding request or success, or it requires what we don't know. */
  | 'not-a-probe'
  /** Its id is not the one of what this peer sends to us; a reflected probe of our own ends here. */
  | 'wrong-id'
  | 'missing-counter'
  | 'bad-integrity';

export type OpenedProbe =
  | { readonly ok: true; readonly kind: 'request'; readonly counter: bigint }
  | { readonly ok: true; readonly kind: 'response'; readonly report: PathReport | undefined }
  | { readonly ok: true; readonly kind: 'call'; readonly counter: bigint; readonly value: Uint8Array }
  | { readonly ok: false; readonly reason: ProbeRejection };

/** The id by which a node finds the agent that a STUN message is for (`ProbeKeys.incomingId`); `undefined` if it is no probe. */
export function probeIdOf(message: StunMessage): Uint8Array | undefined {
  const id = findAttribute(message, 'username')?.value;
  return id?.length === PROBE_ID_BYTES ? id : undefined;
}

/** `length` bytes in all, rounded down to a multiple of 4 and at least PROBE_REQUEST_BYTES. */
export function encodeProbeRequest(
  crypto: CryptoProvider,
  keys: ProbeKeys,
  transactionId: Uint8Array,
  counter: bigint,
  length: number = PROBE_REQUEST_BYTES,
): Uint8Array {
  const padding = PADDING_BYTES + (Math.max(0, length - PROBE_REQUEST_BYTES) & ~3);
  return encodeStunMessage({
    class: 'request',
    transactionId,
    attributes: [
      { kind: 'username', value: keys.outgoingId },
      { kind: 'probe-counter', counter },
      { kind: 'probe-padding', length: padding },
    ],
    integrity: { key: keys.outgoingRequest.expose(), hmac: crypto.hmacSha256Tag },
    fingerprint: true,
  });
}

/** The answer to a request that came by `source`. */
export function encodeProbeResponse(
  crypto: CryptoProvider,
  keys: ProbeKeys,
  transactionId: Uint8Array,
  source: Path,
  report: PathReport,
): Uint8Array {
  return encodeStunMessage({
    class: 'success',
    transactionId,
    attributes: [
      { kind: 'username', value: keys.outgoingId },
      ...(source.kind === 'udp' ? [{ kind: 'xor-mapped-address', endpoint: source.remote } as const] : []),
      { kind: 'path-report', ...report },
    ],
    integrity: { key: keys.outgoingResponse.expose(), hmac: crypto.hmacSha256Tag },
    fingerprint: true,
  });
}

/** "Call me maybe": where to find us, in a form of `encodeCall`. Goes by a relay, or by the control server. */
export function encodeCallMessage(
  crypto: CryptoProvider,
  keys: ProbeKeys,
  transactionId: Uint8Array,
  counter: bigint,
  call: Uint8Array,
): Uint8Array {
  return encodeStunMessage({
    class: 'indication',
    transactionId,
    attributes: [
      { kind: 'username', value: keys.outgoingId },
      { kind: 'probe-counter', counter },
      { kind: 'call', value: call },
    ],
    integrity: { key: keys.outgoingRequest.expose(), hmac: crypto.hmacSha256Tag },
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
  const kind = KIND_OF_CLASS[message.class];
  if (!kind || message.method !== BINDING || unknownRequiredTypes(message).length > 0) {
    return { ok: false, reason: 'not-a-probe' };
  }
  const id = probeIdOf(message);
  if (!id || !bytesEqual(id, keys.incomingId)) return { ok: false, reason: 'wrong-id' };
  const key = kind === 'response' ? keys.incomingResponse : keys.incomingRequest;
  if (!verifyMessageIntegritySha256(datagram, key.expose(), crypto.hmacSha256Tag)) {
    return { ok: false, reason: 'bad-integrity' };
  }
  if (kind === 'response') {
    const report = findAttribute(message, 'path-report');
    return { ok: true, kind, report: report && { packets: report.packets, largestBytes: report.largestBytes } };
  }
  const counter = findAttribute(message, 'probe-counter')?.counter;
  if (counter === undefined) return { ok: false, reason: 'missing-counter' };
  if (kind === 'request') return { ok: true, kind, counter };
  const call = findAttribute(message, 'call');
  return call ? { ok: true, kind, counter, value: call.value } : { ok: false, reason: 'not-a-probe' };
}

const KIND_OF_CLASS: Readonly<Record<StunMessage['class'], 'request' | 'response' | 'call' | undefined>> = {
  request: 'request',
  success: 'response',
  indication: 'call',
  error: undefined,
};
