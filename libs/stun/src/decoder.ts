// Bytes to a STUN message, strictly (RFC 8489 §5, §6.3, §14). Whatever the input, it answers with a value.

import { ByteReader, decodeUtf8, milliseconds } from '@shadownet/primitives';
import { decodeAddress, decodeXorAddress } from './address-attribute.js';
import { AttributeType } from './attribute-types.js';
import { fingerprintOf } from './fingerprint.js';
import { INTEGRITY_SHA1_BYTES, INTEGRITY_SHA256_BYTES } from './message-integrity.js';
import type { StunAttribute, StunMessage } from './stun-message.js';
import {
  attributeEnd,
  attributeTypeAt,
  decodeMessageType,
  HEADER_BYTES,
  isStunMessage,
  messageTypeOf,
  TRANSACTION_ID_BYTES,
  valueAt,
} from './wire-format.js';

export type StunDecodeError =
  /** Not the frame of a STUN message, or its length field lies. */
  | 'not-stun'
  /** An attribute runs over the end of the message. */
  | 'truncated-attribute'
  /** FINGERPRINT is not the last attribute. */
  | 'attribute-after-fingerprint'
  | 'fingerprint-mismatch'
  /** A known attribute has a value that its definition does not allow. */
  | 'malformed-attribute';

export type StunDecodeResult =
  { readonly ok: true; readonly message: StunMessage } | { readonly ok: false; readonly reason: StunDecodeError };

/** RFC 8489 §14.3: "fewer than 509 bytes"; §14.8 and §14.14: fewer than 128 characters, which is up to 763 bytes. */
export const MAX_USERNAME_BYTES = 508;
export const MAX_TEXT_BYTES = 763;

/**
 * The message in `datagram`. Transaction id, user name, HMACs and unknown values are views into it: copy what is kept.
 * A fingerprint is verified here, an integrity attribute is not. Attributes that follow an integrity attribute are left
 * out as the RFC demands, since nothing vouches for them.
 */
export function decodeStunMessage(datagram: Uint8Array): StunDecodeResult {
  if (!isStunMessage(datagram)) return { ok: false, reason: 'not-stun' };
  const frame = checkFrame(datagram);
  if (frame !== 'sound') return { ok: false, reason: frame };

  const transactionId = datagram.subarray(HEADER_BYTES - TRANSACTION_ID_BYTES, HEADER_BYTES);
  const attributes: StunAttribute[] = [];
  let protectedBy: Protection = 'nothing';
  for (let offset = HEADER_BYTES; offset < datagram.length; offset = attributeEnd(datagram, offset)!) {
    const type = attributeTypeAt(datagram, offset);
    if (!counts(type, protectedBy)) continue;
    if (type === AttributeType.messageIntegrity) protectedBy = 'sha1';
    if (type === AttributeType.messageIntegritySha256) protectedBy = 'sha256';
    const decoded = decodeAttribute(type, valueAt(datagram, offset), transactionId);
    if (!decoded) return { ok: false, reason: 'malformed-attribute' };
    if (decoded.kind === 'fingerprint' && decoded.crc !== fingerprintOf(datagram.subarray(0, offset))) {
      return { ok: false, reason: 'fingerprint-mismatch' };
    }
    attributes.push(decoded);
  }
  const { class: messageClass, method } = decodeMessageType(messageTypeOf(datagram));
  return { ok: true, message: { class: messageClass, method, transactionId, attributes } };
}

/** Whether the list of attributes ends with the datagram, and nothing follows a fingerprint. */
function checkFrame(datagram: Uint8Array): 'sound' | 'truncated-attribute' | 'attribute-after-fingerprint' {
  let fingerprintSeen = false;
  let followed = false;
  for (let offset = HEADER_BYTES; offset < datagram.length;) {
    followed ||= fingerprintSeen;
    fingerprintSeen ||= attributeTypeAt(datagram, offset) === AttributeType.fingerprint;
    const end = attributeEnd(datagram, offset);
    if (end === undefined) return 'truncated-attribute';
    offset = end;
  }
  return followed ? 'attribute-after-fingerprint' : 'sound';
}

type Protection = 'nothing' | 'sha1' | 'sha256';

/** Behind MESSAGE-INTEGRITY only its SHA-256 variant and FINGERPRINT count, behind that variant only FINGERPRINT. */
function counts(type: number, protectedBy: Protection): boolean {
  if (protectedBy === 'nothing' || type === AttributeType.fingerprint) return true;
  return protectedBy === 'sha1' && type === AttributeType.messageIntegritySha256;
}

/** `undefined` if the value is malformed. */
function decodeAttribute(type: number, value: Uint8Array, transactionId: Uint8Array): StunAttribute | undefined {
  switch (type) {
    case AttributeType.mappedAddress:
      return withEndpoint('mapped-address', decodeAddress(value));
    case AttributeType.xorMappedAddress:
      return withEndpoint('xor-mapped-address', decodeXorAddress(value, transactionId));
    case AttributeType.responseOrigin:
      return withEndpoint('response-origin', decodeAddress(value));
    case AttributeType.otherAddress:
      return withEndpoint('other-address', decodeAddress(value));
    case AttributeType.username:
      return value.length > MAX_USERNAME_BYTES ? undefined : { kind: 'username', value };
    case AttributeType.messageIntegrity:
      return value.length === INTEGRITY_SHA1_BYTES ? { kind: 'message-integrity', hmac: value } : undefined;
    case AttributeType.messageIntegritySha256: {
      const legal = value.length >= 16 && value.length <= INTEGRITY_SHA256_BYTES && value.length % 4 === 0;
      return legal ? { kind: 'message-integrity-sha256', hmac: value } : undefined;
    }
    case AttributeType.fingerprint:
      return value.length === 4 ? { kind: 'fingerprint', crc: new ByteReader(value).u32be() } : undefined;
    case AttributeType.errorCode:
      return decodeErrorCode(value);
    case AttributeType.unknownAttributes:
      return decodeUnknownAttributes(value);
    case AttributeType.software: {
      const description = value.length > MAX_TEXT_BYTES ? undefined : decodeUtf8(value);
      return description === undefined ? undefined : { kind: 'software', description };
    }
    case AttributeType.changeRequest:
      return decodeChangeRequest(value);
    case AttributeType.probeCounter:
      return value.length === 8 ? { kind: 'probe-counter', counter: new ByteReader(value).u64be() } : undefined;
    case AttributeType.probePadding:
      return { kind: 'probe-padding', length: value.length };
    case AttributeType.answerAgain:
      return value.length === 4
        ? { kind: 'answer-again', after: milliseconds(new ByteReader(value).u32be()) }
        : undefined;
    case AttributeType.pathReport: {
      if (value.length !== 6) return undefined;
      const reader = new ByteReader(value);
      return { kind: 'path-report', packets: reader.u32be(), largestBytes: reader.u16be() };
    }
    case AttributeType.call:
      return { kind: 'call', value };
    default:
      return { kind: 'unknown', type, value };
  }
}

function withEndpoint(
  kind: 'mapped-address' | 'xor-mapped-address' | 'response-origin' | 'other-address',
  endpoint: ReturnType<typeof decodeAddress>,
): StunAttribute | undefined {
  return endpoint && { kind, endpoint };
}

/** RFC 8489 §14.8: 21 reserved bits, 3 bits of hundreds (3…6), 8 bits of the rest (0…99), a phrase. */
function decodeErrorCode(value: Uint8Array): StunAttribute | undefined {
  if (value.length < 4 || value.length > 4 + MAX_TEXT_BYTES) return undefined;
  const hundreds = value[2]! & 0b111;
  const rest = value[3]!;
  const phrase = decodeUtf8(value.subarray(4));
  if (hundreds < 3 || hundreds > 6 || rest > 99 || phrase === undefined) return undefined;
  return { kind: 'error-code', code: hundreds * 100 + rest, phrase };
}

/** RFC 8489 §14.9: a list of 16-bit types. */
function decodeUnknownAttributes(value: Uint8Array): StunAttribute | undefined {
  if (value.length % 2 !== 0) return undefined;
  const reader = new ByteReader(value);
  return { kind: 'unknown-attributes', types: Array.from({ length: value.length / 2 }, () => reader.u16be()) };
}

/** RFC 5780 §7.2: bit 2 changes the address, bit 1 the port, counted from the lowest. */
function decodeChangeRequest(value: Uint8Array): StunAttribute | undefined {
  if (value.length !== 4) return undefined;
  return { kind: 'change-request', address: (value[3]! & 0b100) !== 0, port: (value[3]! & 0b010) !== 0 };
}
