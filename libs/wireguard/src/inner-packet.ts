// What the engine needs to know of the IP packets it carries: their true length and their two addresses (RFC 791 §3.1,
// RFC 8200 §3). Everything else in them is nobody's business here.

const V4_HEADER_LENGTH = 20;
const V4_TOTAL_LENGTH = 2;
const V4_SOURCE = 12;
const V4_DESTINATION = 16;

const V6_HEADER_LENGTH = 40;
const V6_PAYLOAD_LENGTH = 4;
const V6_SOURCE = 8;
const V6_DESTINATION = 24;

/** Where things are in a packet whose header was checked. */
export interface InnerPacket {
  readonly family: 4 | 6;
  /** Bytes of the packet by its own header; what follows is padding. */
  readonly length: number;
  readonly sourceOffset: number;
  readonly destinationOffset: number;
}

/**
 * The packet that begins at `start` and has at most `available` bytes. `undefined` unless it is IPv4 or IPv6 and as long as its
 * header says, or longer. Offsets count from `start`.
 */
export function parseInnerPacket(
  bytes: Uint8Array,
  start = 0,
  available = bytes.length - start,
): InnerPacket | undefined {
  switch (available > 0 ? bytes[start]! >> 4 : 0) {
    case 4: {
      if (available < V4_HEADER_LENGTH) return undefined;
      const length = readUint16(bytes, start + V4_TOTAL_LENGTH);
      if (length < V4_HEADER_LENGTH || length > available) return undefined;
      return { family: 4, length, sourceOffset: V4_SOURCE, destinationOffset: V4_DESTINATION };
    }
    case 6: {
      if (available < V6_HEADER_LENGTH) return undefined;
      const length = V6_HEADER_LENGTH + readUint16(bytes, start + V6_PAYLOAD_LENGTH);
      if (length > available) return undefined;
      return { family: 6, length, sourceOffset: V6_SOURCE, destinationOffset: V6_DESTINATION };
    }
    default:
      return undefined;
  }
}

function readUint16(bytes: Uint8Array, offset: number): number {
  return (bytes[offset]! << 8) | bytes[offset + 1]!;
}
