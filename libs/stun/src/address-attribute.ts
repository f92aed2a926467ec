// The value of address attributes: MAPPED-ADDRESS (RFC 8489 §14.1), XOR-MAPPED-ADDRESS (§14.2), RFC 5780's two.
//
//     +---------------+---------------+-------------------------------+
//     |       0       | family 1 | 2  |             port              |
//     +---------------+---------------+-------------------------------+
//     |          address: 4 bytes (family 1) or 16 (family 2)         |
//     +---------------------------------------------------------------+

import { ByteReader, ByteWriter, type Endpoint, endpoint, ipAddressFromBytes } from '@shadownet/primitives';
import { MAGIC_COOKIE } from './wire-format.js';

const FAMILY_V4 = 1;
const FAMILY_V6 = 2;

/** `undefined` unless it is a port ≥ 1 and an address of a known family with that family's length. */
export function decodeAddress(value: Uint8Array): Endpoint | undefined {
  if (value.length < 4) return undefined;
  const reader = new ByteReader(value);
  reader.u8();
  const family = reader.u8();
  const port = reader.u16be();
  const addressBytes = family === FAMILY_V4 ? 4 : family === FAMILY_V6 ? 16 : 0;
  if (addressBytes === 0 || reader.remaining !== addressBytes || port === 0) return undefined;
  return endpoint(ipAddressFromBytes(reader.bytes(addressBytes)), port);
}

export function encodeAddress({ address, port }: Endpoint): Uint8Array {
  const writer = new ByteWriter(4 + address.bytes.length);
  writer.u8(0).u8(address.family === 4 ? FAMILY_V4 : FAMILY_V6);
  return writer.u16be(port).bytes(address.bytes).view();
}

/** `decodeAddress` of the unmasked value. */
export function decodeXorAddress(value: Uint8Array, transactionId: Uint8Array): Endpoint | undefined {
  return decodeAddress(maskAddress(value, transactionId));
}

export function encodeXorAddress(value: Endpoint, transactionId: Uint8Array): Uint8Array {
  return maskAddress(encodeAddress(value), transactionId);
}

/**
 * X-Port = port ⊕ cookie's upper 16 bits; X-Address = address ⊕ (cookie ‖ transaction id). Its own inverse. It hides
 * addresses from NATs that rewrite whatever looks like one in a payload.
 */
function maskAddress(value: Uint8Array, transactionId: Uint8Array): Uint8Array {
  const masked = new Uint8Array(value);
  for (let i = 2; i < masked.length; i++) masked[i]! ^= maskAt(i, transactionId);
  return masked;
}

/** The port begins with the third byte, the address with the fifth; a value that is too long is not masked to its end. */
function maskAt(index: number, transactionId: Uint8Array): number {
  if (index < 4) return COOKIE_BYTES[index - 2]!;
  if (index < 8) return COOKIE_BYTES[index - 4]!;
  return transactionId[index - 8] ?? 0;
}

const COOKIE_BYTES = new ByteWriter(4).u32be(MAGIC_COOKIE).view();
