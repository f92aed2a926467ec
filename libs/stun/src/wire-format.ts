// The frame of a STUN message (RFC 8489 §5): header and type-length-value list, before any attribute has a meaning.
//
//      0                   1                   2                   3
//      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//     +---+---------------------------+-------------------------------+
//     |0 0|  method and class bits    |  bytes behind the header      |
//     +---+---------------------------+-------------------------------+
//     |                     magic cookie 0x2112A442                   |
//     +---------------------------------------------------------------+
//     |                 transaction id, 96 random bits                |
//     |                              …                                |
//     +-------------------------------+-------------------------------+
//     |        attribute type         |   bytes of value, no padding  |
//     +-------------------------------+-------------------------------+
//     |     value, padded to a multiple of 4 with bytes of no meaning |
//     +---------------------------------------------------------------+

import type { StunClass } from './stun-message.js';

export const HEADER_BYTES = 20;
export const ATTRIBUTE_HEADER_BYTES = 4;
export const TRANSACTION_ID_BYTES = 12;
export const MAGIC_COOKIE = 0x2112a442;

/** True if a datagram is STUN by its first 20 bytes: top bits 00, the magic cookie, and a length field that fits it exactly. */
export function isStunMessage(datagram: Uint8Array): boolean {
  if (datagram.length < HEADER_BYTES || datagram.length % 4 !== 0) return false;
  return (
    datagram[0]! < 0x40 &&
    u16At(datagram, 2) === datagram.length - HEADER_BYTES &&
    u16At(datagram, 4) === MAGIC_COOKIE >>> 16 &&
    u16At(datagram, 6) === (MAGIC_COOKIE & 0xffff)
  );
}

/** Of a datagram for which `isStunMessage` holds. */
export function messageTypeOf(datagram: Uint8Array): number {
  return u16At(datagram, 0);
}

/** Has the header of a message count `messageBytes` in all. */
export function setMessageLength(message: Uint8Array, messageBytes: number): void {
  const length = messageBytes - HEADER_BYTES;
  message[2] = length >> 8;
  message[3] = length & 0xff;
}

/*
 * The attributes of a datagram for which `isStunMessage` holds are walked by offset, from HEADER_BYTES to its end. What is left
 * is a multiple of 4 throughout, so an attribute that begins always has the 4 bytes of its header.
 */
export function attributeTypeAt(datagram: Uint8Array, offset: number): number {
  return u16At(datagram, offset);
}

/** Of the value, without its padding. */
export function valueLengthAt(datagram: Uint8Array, offset: number): number {
  return u16At(datagram, offset + 2);
}

/** A view of the value. */
export function valueAt(datagram: Uint8Array, offset: number): Uint8Array {
  const start = offset + ATTRIBUTE_HEADER_BYTES;
  return datagram.subarray(start, start + valueLengthAt(datagram, offset));
}

/** Where the next attribute begins; `undefined` if this one runs over the end of the datagram. */
export function attributeEnd(datagram: Uint8Array, offset: number): number | undefined {
  const end = offset + ATTRIBUTE_HEADER_BYTES + paddedLength(valueLengthAt(datagram, offset));
  return end > datagram.length ? undefined : end;
}

function u16At(bytes: Uint8Array, offset: number): number {
  return (bytes[offset]! << 8) | bytes[offset + 1]!;
}

export function paddedLength(length: number): number {
  return (length + 3) & ~3;
}

/*
 * The 14 type bits interleave the method M and the class C (RFC 8489 §5, figure 3):
 *     M11 M10 M9 M8 M7 C1 M6 M5 M4 C0 M3 M2 M1 M0
 */
const CLASSES: readonly StunClass[] = ['request', 'indication', 'success', 'error'];

export function encodeMessageType(messageClass: StunClass, method: number): number {
  const bits = CLASSES.indexOf(messageClass);
  return (
    ((method & 0xf80) << 2) | ((method & 0x070) << 1) | (method & 0x00f) | ((bits & 0b10) << 7) | ((bits & 0b01) << 4)
  );
}

export function decodeMessageType(type: number): { class: StunClass; method: number } {
  return {
    class: CLASSES[((type >> 7) & 0b10) | ((type >> 4) & 0b01)]!,
    method: ((type >> 2) & 0xf80) | ((type >> 1) & 0x070) | (type & 0x00f),
  };
}
