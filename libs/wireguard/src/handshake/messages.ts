// The four WireGuard messages on the wire (whitepaper §5.4). All numbers are little-endian. Lengths are checked here once;
// whoever holds a decoded message need not check again. Views share memory with the datagram.
//
//   initiation, 148 bytes      type = 1 (4)  sender (4)  body (108)                           mac1 (16)  mac2 (16)
//   response, 92 bytes         type = 2 (4)  sender (4)  receiver (4)  body (48)              mac1 (16)  mac2 (16)
//   cookie reply, 64 bytes     type = 3 (4)  receiver (4)  nonce (24)  sealed cookie (32)
//   transport, ≥ 32 bytes      type = 4 (4)  receiver (4)  counter (8)  sealed packet (n + 16)
//
// The type is one byte and three reserved zeros, read as one 32-bit number.

import { ByteWriter } from '@shadownet/primitives';
import { MAC_LENGTH } from '../constants.js';
import { readSessionIndex, type SessionIndex } from '../session-index.js';

export const MESSAGE_TYPE = { initiation: 1, response: 2, cookieReply: 3, transport: 4 } as const;

export const INITIATION_LENGTH = 148;
export const RESPONSE_LENGTH = 92;
export const COOKIE_REPLY_LENGTH = 64;
export const TRANSPORT_HEADER_LENGTH = 16;
/** A keepalive: the header and the tag of an empty packet. */
export const MIN_TRANSPORT_LENGTH = 32;

export type Message =
  | { readonly kind: 'initiation'; readonly sender: SessionIndex; readonly body: Uint8Array }
  | {
      readonly kind: 'response';
      readonly sender: SessionIndex;
      readonly receiver: SessionIndex;
      readonly body: Uint8Array;
    }
  | {
      readonly kind: 'cookie-reply';
      readonly receiver: SessionIndex;
      readonly nonce: Uint8Array;
      readonly sealedCookie: Uint8Array;
    }
  | {
      readonly kind: 'transport';
      readonly receiver: SessionIndex;
      readonly counter: bigint;
      readonly sealedPacket: Uint8Array;
    };

export type MessageKind = Message['kind'];

/** What a datagram is by its first four bytes and its length; `undefined` if it is no WireGuard message. */
export function messageKind(datagram: Uint8Array): MessageKind | undefined {
  if (datagram.length < MIN_TRANSPORT_LENGTH || datagram[1] !== 0 || datagram[2] !== 0 || datagram[3] !== 0) {
    return undefined;
  }
  switch (datagram[0]) {
    case MESSAGE_TYPE.initiation:
      return datagram.length === INITIATION_LENGTH ? 'initiation' : undefined;
    case MESSAGE_TYPE.response:
      return datagram.length === RESPONSE_LENGTH ? 'response' : undefined;
    case MESSAGE_TYPE.cookieReply:
      return datagram.length === COOKIE_REPLY_LENGTH ? 'cookie-reply' : undefined;
    case MESSAGE_TYPE.transport:
      return 'transport';
    default:
      return undefined;
  }
}

/**
 * True if the type is 1…4 and the length legal for it: how a socket that WireGuard shares with STUN tells them apart. Says
 * nothing about authenticity. A transport message may have any length from 32 bytes on, since peers need not pad at the MTU.
 */
export function isWireGuardMessage(datagram: Uint8Array): boolean {
  return messageKind(datagram) !== undefined;
}

/** The message in a datagram, `undefined` if `isWireGuardMessage` is false. */
export function decodeMessage(datagram: Uint8Array): Message | undefined {
  switch (messageKind(datagram)) {
    case 'initiation':
      return {
        kind: 'initiation',
        sender: readSessionIndex(datagram, 4),
        body: datagram.subarray(8, INITIATION_LENGTH - 2 * MAC_LENGTH),
      };
    case 'response':
      return {
        kind: 'response',
        sender: readSessionIndex(datagram, 4),
        receiver: readSessionIndex(datagram, 8),
        body: datagram.subarray(12, RESPONSE_LENGTH - 2 * MAC_LENGTH),
      };
    case 'cookie-reply':
      return {
        kind: 'cookie-reply',
        receiver: readSessionIndex(datagram, 4),
        nonce: datagram.subarray(8, 32),
        sealedCookie: datagram.subarray(32),
      };
    case 'transport':
      return {
        kind: 'transport',
        receiver: readSessionIndex(datagram, 4),
        counter: new DataView(datagram.buffer, datagram.byteOffset + 8, 8).getBigUint64(0, true),
        sealedPacket: datagram.subarray(TRANSPORT_HEADER_LENGTH),
      };
    case undefined:
      return undefined;
  }
}

/** 148 bytes, both MACs still zero. */
export function encodeInitiation(sender: SessionIndex, body: Uint8Array): Uint8Array {
  const writer = new ByteWriter(INITIATION_LENGTH).u32le(MESSAGE_TYPE.initiation).u32le(sender).bytes(body);
  return writer.zeros(2 * MAC_LENGTH).view();
}

/** 92 bytes, both MACs still zero. */
export function encodeResponse(sender: SessionIndex, receiver: SessionIndex, body: Uint8Array): Uint8Array {
  const writer = new ByteWriter(RESPONSE_LENGTH).u32le(MESSAGE_TYPE.response).u32le(sender).u32le(receiver).bytes(body);
  return writer.zeros(2 * MAC_LENGTH).view();
}

/** 64 bytes. */
export function encodeCookieReply(receiver: SessionIndex, nonce: Uint8Array, sealedCookie: Uint8Array): Uint8Array {
  const writer = new ByteWriter(COOKIE_REPLY_LENGTH).u32le(MESSAGE_TYPE.cookieReply).u32le(receiver);
  return writer.bytes(nonce).bytes(sealedCookie).view();
}
