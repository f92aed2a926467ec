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

import { ByteReader } from '@shadownet/primitives';
import type { StunClass } from './stun-message.js';

export const HEADER_BYTES = 20;
export const ATTRIBUTE_HEADER_BYTES = 4;
export const TRANSACTION_ID_BYTES = 12;
export const MAGIC_COOKIE = 0x2112a442;

/** An attribute as bytes: `offset` is where its type field lies in the datagram. */
export interface RawAttribute {
  readonly type: number;
  readonly value: Uint8Array;
  readonly offset: number;
}

/** True if a datagram is STUN by its first 20 bytes: top bits 00, the magic cookie, and a length field that fits it exactly. */
export function isStunMessage(datagram: Uint8Array): boolean {
  if (datagram.length < HEADER_BYTES || datagram.length % 4 !== 0) return false;
  const header = new ByteReader(datagram);
  const type = header.u16be();
  const length = header.u16be();
  return (type & 0xc000) === 0 && length === datagram.length - HEADER_BYTES && header.u32be() === MAGIC_COOKIE;
}

/** The attributes of a datagram for which `isStunMessage` holds; `undefined` if one runs over the end. Values are views. */
export function readRawAttributes(datagram: Uint8Array): RawAttribute[] | undefined {
  const attributes: RawAttribute[] = [];
  const reader = new ByteReader(datagram);
  reader.bytes(HEADER_BYTES);
  // What is left is a multiple of 4 throughout, so a started attribute always has its 4 header bytes.
  while (reader.remaining > 0) {
    const offset = reader.offset;
    const type = reader.u16be();
    const length = reader.u16be();
    if (paddedLength(length) > reader.remaining) return undefined;
    attributes.push({ type, value: reader.bytes(length), offset });
    reader.bytes(paddedLength(length) - length);
  }
  return attributes;
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
