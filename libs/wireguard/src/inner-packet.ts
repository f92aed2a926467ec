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

/** `undefined` unless it is IPv4 or IPv6 and as long as its header says, or longer. */
export function parseInnerPacket(bytes: Uint8Array): InnerPacket | undefined {
  switch (bytes.length > 0 ? bytes[0]! >> 4 : 0) {
    case 4: {
      if (bytes.length < V4_HEADER_LENGTH) return undefined;
      const length = (bytes[V4_TOTAL_LENGTH]! << 8) | bytes[V4_TOTAL_LENGTH + 1]!;
      if (length < V4_HEADER_LENGTH || length > bytes.length) return undefined;
      return { family: 4, length, sourceOffset: V4_SOURCE, destinationOffset: V4_DESTINATION };
    }
    case 6: {
      if (bytes.length < V6_HEADER_LENGTH) return undefined;
      const length = V6_HEADER_LENGTH + ((bytes[V6_PAYLOAD_LENGTH]! << 8) | bytes[V6_PAYLOAD_LENGTH + 1]!);
      if (length > bytes.length) return undefined;
      return { family: 6, length, sourceOffset: V6_SOURCE, destinationOffset: V6_DESTINATION };
    }
    default:
      return undefined;
  }
}
