// MESSAGE-INTEGRITY and MESSAGE-INTEGRITY-SHA256 (RFC 8489 §14.5, §14.6): an HMAC over the message up to the attribute,
// with the length field as if the message ended behind it. The HMAC itself is injected.

import { AttributeType } from './attribute-types.js';
import {
  ATTRIBUTE_HEADER_BYTES,
  HEADER_BYTES,
  isStunMessage,
  type RawAttribute,
  readRawAttributes,
} from './wire-format.js';

/** HMAC (RFC 2104) of `input` under `key`: 32 bytes for SHA-256, 20 for SHA-1. */
export type Hmac = (key: Uint8Array, input: Uint8Array) => Uint8Array;

export const INTEGRITY_SHA1_BYTES = 20;
export const INTEGRITY_SHA256_BYTES = 32;

/** True if the datagram carries a MESSAGE-INTEGRITY-SHA256 of full length that `key` made. Truncated ones are refused. */
export function verifyMessageIntegritySha256(datagram: Uint8Array, key: Uint8Array, hmacSha256: Hmac): boolean {
  return verify(datagram, AttributeType.messageIntegritySha256, INTEGRITY_SHA256_BYTES, key, hmacSha256);
}

/** True if the datagram carries a classic MESSAGE-INTEGRITY (HMAC-SHA1) that `key` made. */
export function verifyMessageIntegrity(datagram: Uint8Array, key: Uint8Array, hmacSha1: Hmac): boolean {
  return verify(datagram, AttributeType.messageIntegrity, INTEGRITY_SHA1_BYTES, key, hmacSha1);
}

/** The HMAC for an integrity attribute of `hmacBytes` that is to follow `preceding`, which starts with the header. */
export function integrityOf(preceding: Uint8Array, hmacBytes: number, key: Uint8Array, hmac: Hmac): Uint8Array {
  const input = Uint8Array.from(preceding);
  const length = preceding.length - HEADER_BYTES + ATTRIBUTE_HEADER_BYTES + hmacBytes;
  new DataView(input.buffer).setUint16(2, length);
  return hmac(key, input);
}

function verify(datagram: Uint8Array, type: number, hmacBytes: number, key: Uint8Array, hmac: Hmac): boolean {
  if (!isStunMessage(datagram)) return false;
  const attribute = readRawAttributes(datagram)?.find(counts(type));
  if (!attribute || attribute.value.length !== hmacBytes) return false;
  const expected = integrityOf(datagram.subarray(0, attribute.offset), hmacBytes, key, hmac);
  return equalInConstantTime(attribute.value, expected);
}

/** Matches the first attribute of `type`, unless it is an HMAC-SHA1 behind an HMAC-SHA256: that one must be ignored. */
function counts(type: number): (attribute: RawAttribute) => boolean {
  let sha256Seen = false;
  return (attribute) => {
    if (attribute.type === type) return type === AttributeType.messageIntegritySha256 || !sha256Seen;
    sha256Seen ||= attribute.type === AttributeType.messageIntegritySha256;
    return false;
  };
}

function equalInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}
