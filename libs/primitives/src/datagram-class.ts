// What a datagram is, by its bytes alone, in the order of docs/data-plane.md: WireGuard by type and legal length first, then
// STUN. A STUN success begins with byte 1, and the index of a data packet can spell the magic cookie: the order matters.
// Used where packets pass in numbers: the receive worker, and the relay for what it may forward.

export type DatagramClass = 'transport' | 'handshake' | 'stun' | 'unknown';

const INITIATION = { type: 1, length: 148 } as const;
const RESPONSE = { type: 2, length: 92 } as const;
const COOKIE_REPLY = { type: 3, length: 64 } as const;
const TRANSPORT = { type: 4, minLength: 32 } as const;

const STUN_HEADER_LENGTH = 20;
/** RFC 8489 §5. */
const STUN_MAGIC_COOKIE = 0x2112a442;

export function classifyDatagram(view: DataView, offset: number, length: number): DatagramClass {
  if (length < STUN_HEADER_LENGTH) return 'unknown';
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
  const isStun =
    view.getUint8(offset) < 0x40 &&
    view.getUint32(offset + 4) === STUN_MAGIC_COOKIE &&
    view.getUint16(offset + 2) === length - STUN_HEADER_LENGTH;
  return isStun ? 'stun' : 'unknown';
}
