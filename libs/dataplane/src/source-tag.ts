// How a datagram and where it came from share one message of a ring: the source in front of the bytes.
//
//   family (1)  – (1)  port (2)  address (16)  datagram

import { type Endpoint, endpoint, ipAddressFromBytes } from '@shadownet/primitives';

export const SOURCE_TAG_LENGTH = 20;

/** Writes the tag to the first SOURCE_TAG_LENGTH bytes of `message`. */
export function writeSourceTag(message: Uint8Array, { address, port }: Endpoint): void {
  message.fill(0, 0, SOURCE_TAG_LENGTH);
  message[0] = address.family;
  message[2] = port >>> 8;
  message[3] = port & 0xff;
  message.set(address.bytes, 4);
}

/** Both parts of a message; the datagram shares its memory. */
export function readSourceTag(message: Uint8Array): { readonly from: Endpoint; readonly datagram: Uint8Array } {
  const length = message[0] === 4 ? 4 : 16;
  const from = endpoint(ipAddressFromBytes(message.subarray(4, 4 + length)), (message[2]! << 8) | message[3]!);
  return { from, datagram: message.subarray(SOURCE_TAG_LENGTH) };
}
