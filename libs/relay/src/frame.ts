// Frames on the wire (docs/relay.md): their types, how they are told from everything else on the socket, and the header of
// those that belong to a session. Used by both ends.
//
//     0      1           3                    8                       16
//     | type | channel   | counter            | tag                   | payload

import { FRAME_HEADER_BYTES, MAX_FRAME_BYTES } from './constants.js';

export const FrameType = {
  hello: 0xd0,
  challenge: 0xd1,
  connect: 0xd2,
  accept: 0xd3,
  refuse: 0xd4,
  data: 0xd8,
  signal: 0xd9,
  ping: 0xda,
  pong: 0xdb,
  resolve: 0xdc,
  resolved: 0xdd,
  gone: 0xde,
  close: 0xdf,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

const FIRST_TYPE = 0xd0;
const LAST_TYPE = 0xdf;
const FIRST_SESSION_TYPE = 0xd8;

/** Why a session ends, in the payload of `close`. */
export const CloseReason = { leaving: 0, replaced: 1, expired: 2, revoked: 3, 'shutting-down': 4 } as const;

/** True by the first byte, which neither WireGuard (1…4) nor STUN (below 0x40) has, and a possible length. */
export function isRelayFrame(datagram: Uint8Array): boolean {
  return isRelayFrameAt(datagram, 0, datagram.length);
}

export function isRelayFrameAt(bytes: Uint8Array, at: number, length: number): boolean {
  if (length < FRAME_HEADER_BYTES || length > MAX_FRAME_BYTES) return false;
  return bytes[at]! >= FIRST_TYPE && bytes[at]! <= LAST_TYPE;
}

export function isSessionType(type: number): boolean {
  return type >= FIRST_SESSION_TYPE && type <= LAST_TYPE;
}

export function channelOf(bytes: Uint8Array, at: number): number {
  return (bytes[at + 1]! << 8) | bytes[at + 2]!;
}

/** Room for a session frame with `payload` behind the header, which is still to be sealed. */
export function frameAround(payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(FRAME_HEADER_BYTES + payload.length);
  frame.set(payload, FRAME_HEADER_BYTES);
  return frame;
}

export function payloadOf(frame: Uint8Array): Uint8Array {
  return frame.subarray(FRAME_HEADER_BYTES);
}
