// What a datagram is, by its bytes alone, in the order of docs/architecture.md: WireGuard by type and legal length first, then
// STUN. A STUN success begins with byte 1, and the index of a data packet can spell the magic cookie: the order matters. Frames
// of a relay (docs/relay.md) have a first byte that neither of them has.
// Used where packets pass in numbers: the receive worker, and the relay for what it may forward.

export type DatagramClass = 'transport' | 'handshake' | 'stun' | 'relay-frame' | 'unknown';

const INITIATION = { type: 1, length: 148 } as const;
const RESPONSE = { type: 2, length: 92 } as const;
const COOKIE_REPLY = { type: 3, length: 64 } as const;
const TRANSPORT = { type: 4, minLength: 32 } as const;

const STUN_HEADER_LENGTH = 20;
/** RFC 8489 §5. */
const STUN_MAGIC_COOKIE = 0x2112a442;
/** docs/relay.md, "Frames": the first byte is 0xd0…0xdf. */
const RELAY_FRAME = { typeMask: 0xf0, types: 0xd0, minLength: 16, maxLength: 2048 } as const;

export function classifyDatagram(view: DataView, offset: number, length: number): DatagramClass {
  if (length < RELAY_FRAME.minLength) return 'unknown';
  switch (view.getUint32(offset, true)) {
    case TRANSPORT.type:
      if (length >= TRANSPORT.minLength) return 'transport';
      break;
    case INITIATION.type:
      if (length === INITIATION.length) return 'handshake';
      break;
    case RESPONSE.type:
      if (length === RESPONSE.length) return 'handshake';
      break;
    case COOKIE_REPLY.type:
      if (length === COOKIE_REPLY.length) return 'handshake';
      break;
    default:
      break;
  }
  if ((view.getUint8(offset) & RELAY_FRAME.typeMask) === RELAY_FRAME.types) {
    return length <= RELAY_FRAME.maxLength ? 'relay-frame' : 'unknown';
  }
  const isStun =
    view.getUint8(offset) < 0x40 &&
    view.getUint32(offset + 4) === STUN_MAGIC_COOKIE &&
    view.getUint16(offset + 2) === length - STUN_HEADER_LENGTH;
  return isStun ? 'stun' : 'unknown';
}
