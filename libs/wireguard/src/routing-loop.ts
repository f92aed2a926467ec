// Finds our own datagrams among the packets that the host sends into the tunnel: a peer's endpoint lies behind a peer, by routing
// or by a mistaken endpoint. Sealing them again would make ever more of them. The kernel's WireGuard drops them by comparing
// devices (ELOOP), which no user-space device can; here they are known by the session indices in them, also behind the header of a
// relay's frame (docs/relay.md). Used by send.ts.

import type { DeviceState } from './device-state.js';
import { MESSAGE_TYPE } from './handshake/messages.js';
import type { InnerPacket } from './inner-packet.js';
import { readSessionIndex } from './session-index.js';

const PROTOCOL_UDP = 17;
const UDP_HEADER_LENGTH = 8;
const V4_FRAGMENT_OFFSET_HIGH = 0x1f;
const V6_HEADER_LENGTH = 40;
/** Type, reserved bytes, and the first index. */
const RECOGNISABLE_LENGTH = 8;
/** Of a relay's frame with data in it, and how long its header is. */
const RELAY_DATA = 0xd8;
const RELAY_HEADER_LENGTH = 16;

/** True for a UDP packet, or the first fragment of one, that carries a message which this device sent. */
export function carriesOwnMessage(state: DeviceState, packet: Uint8Array, inner: InnerPacket): boolean {
  const payload = udpPayloadOffset(packet, inner);
  if (payload === undefined) return false;
  const start = packet[payload] === RELAY_DATA ? payload + RELAY_HEADER_LENGTH : payload;
  if (start + RECOGNISABLE_LENGTH > packet.length) return false;
  if ((packet[start + 1]! | packet[start + 2]! | packet[start + 3]!) !== 0) return false;
  switch (packet[start]) {
    case MESSAGE_TYPE.initiation:
    case MESSAGE_TYPE.response:
      return state.indices.get(readSessionIndex(packet, start + 4)) !== undefined;
    case MESSAGE_TYPE.transport:
      return state.remoteIndices.has(readSessionIndex(packet, start + 4));
    default:
      return false;
  }
}

function udpPayloadOffset(packet: Uint8Array, { family }: InnerPacket): number | undefined {
  if (family === 6) return packet[6] === PROTOCOL_UDP ? V6_HEADER_LENGTH + UDP_HEADER_LENGTH : undefined;
  const isFirst = ((packet[6]! & V4_FRAGMENT_OFFSET_HIGH) | packet[7]!) === 0;
  return packet[9] === PROTOCOL_UDP && isFirst ? (packet[0]! & 15) * 4 + UDP_HEADER_LENGTH : undefined;
}
