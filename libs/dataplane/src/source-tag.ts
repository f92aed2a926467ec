// How a datagram and the path that it came by share one message of a ring: the path in front of the bytes.
//
//   family (1)  – (1)  port (2)  zone (4)  address (16)  address of ours (16)  datagram
//
// The address of ours is of the same family, or all zero if it is not known.

import { type Endpoint, endpoint, type IpAddress, ipAddressFromBytes } from '@shadownet/primitives';

export const SOURCE_TAG_LENGTH = 40;
const ADDRESS = 8;
const LOCAL = 24;

/** Writes the tag to the first SOURCE_TAG_LENGTH bytes of `message`. */
export function writeSourceTag(
  message: Uint8Array,
  { address, port, zone = 0 }: Endpoint,
  local: IpAddress | undefined,
): void {
  message.fill(0, 0, SOURCE_TAG_LENGTH);
  message[0] = address.family;
  const fields = new DataView(message.buffer, message.byteOffset);
  fields.setUint16(2, port);
  fields.setUint32(4, zone);
  message.set(address.bytes, ADDRESS);
  if (local) message.set(local.bytes, LOCAL);
}

export interface TaggedDatagram {
  readonly from: Endpoint;
  readonly local: IpAddress | undefined;
  /** Shares the message's memory. */
  readonly datagram: Uint8Array;
}

/** The parts of a message. */
export function readSourceTag(message: Uint8Array): TaggedDatagram {
  const length = message[0] === 4 ? 4 : 16;
  const fields = new DataView(message.buffer, message.byteOffset);
  const address = ipAddressFromBytes(message.subarray(ADDRESS, ADDRESS + length));
  const local = message.subarray(LOCAL, LOCAL + length);
  return {
    from: endpoint(address, fields.getUint16(2), fields.getUint32(4)),
    local: local.some((byte) => byte !== 0) ? ipAddressFromBytes(local) : undefined,
    datagram: message.subarray(SOURCE_TAG_LENGTH),
  };
}
