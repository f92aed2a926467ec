// MESSAGE-INTEGRITY and MESSAGE-INTEGRITY-SHA256 (RFC 8489 §14.5, §14.6): an HMAC over the message up to the attribute,
// with the length field as if the message ended behind it. The HMAC itself is injected.

import { ByteWriter } from '@shadownet/primitives';
import { AttributeType } from './attribute-types.js';
import {
  ATTRIBUTE_HEADER_BYTES,
  attributeEnd,
  attributeTypeAt,
  HEADER_BYTES,
  isStunMessage,
  setMessageLength,
  valueLengthAt,
} from './wire-format.js';

/** HMAC (RFC 2104) of `input`, which is not kept, under `key`: 32 bytes for SHA-256, 20 for SHA-1. */
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

/** What HMACs are computed over: one memory for all messages, since none of them waits. */
const covered = new ByteWriter();

function verify(datagram: Uint8Array, type: number, hmacBytes: number, key: Uint8Array, hmac: Hmac): boolean {
  if (!isStunMessage(datagram)) return false;
  const offset = findIntegrity(datagram, type);
  if (offset === undefined || valueLengthAt(datagram, offset) !== hmacBytes) return false;
  const end = offset + ATTRIBUTE_HEADER_BYTES + hmacBytes;
  const input = covered.clear().bytes(datagram.subarray(0, offset)).view();
  setMessageLength(input, end);
  return equalInConstantTime(datagram.subarray(end - hmacBytes, end), hmac(key, input));
}

/** Where the first attribute of `type` begins. An HMAC-SHA1 behind an HMAC-SHA256 must be ignored. */
function findIntegrity(datagram: Uint8Array, type: number): number | undefined {
  let found: number | undefined;
  let sha256Seen = false;
  for (let offset = HEADER_BYTES; offset < datagram.length;) {
    const each = attributeTypeAt(datagram, offset);
    if (each === type && !sha256Seen) found ??= offset;
    sha256Seen ||= each === AttributeType.messageIntegritySha256;
    const end = attributeEnd(datagram, offset);
    if (end === undefined) return undefined;
    offset = end;
  }
  return found;
}

function equalInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}
