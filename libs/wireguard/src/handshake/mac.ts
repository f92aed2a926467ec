// The two MACs that close a handshake message (whitepaper §5.4.4). mac1 proves that the sender knows our public key, before
// any costly operation; mac2 proves that it receives what is sent to its address, when we asked for that with a cookie.

import type { MacProvider } from '@shadownet/crypto';
import { concatBytes, encodeUtf8 } from '@shadownet/primitives';
import { MAC_LENGTH } from '../constants.js';

const LABEL_MAC1 = encodeUtf8('mac1----');
const LABEL_COOKIE = encodeUtf8('cookie--');

/** HASH(LABEL-MAC1 ‖ Spub): the key of mac1 in messages to the owner of the public key. */
export function mac1Key(crypto: MacProvider, publicKey: Uint8Array): Uint8Array {
  return crypto.blake2s(concatBytes(LABEL_MAC1, publicKey), 32);
}

/** HASH(LABEL-COOKIE ‖ Spub): the key that seals cookies sent by the owner of the public key. */
export function cookieKey(crypto: MacProvider, publicKey: Uint8Array): Uint8Array {
  return crypto.blake2s(concatBytes(LABEL_COOKIE, publicKey), 32);
}

/** mac1 of a message: the 16 bytes before the last 16. A view. */
export function mac1Of(message: Uint8Array): Uint8Array {
  return message.subarray(message.length - 2 * MAC_LENGTH, message.length - MAC_LENGTH);
}

/** mac2 of a message: the last 16 bytes. A view. */
export function mac2Of(message: Uint8Array): Uint8Array {
  return message.subarray(message.length - MAC_LENGTH);
}

/** MAC(HASH(LABEL-MAC1 ‖ Spub), msg_α), msg_α being all bytes before mac1. */
export function computeMac1(crypto: MacProvider, key: Uint8Array, message: Uint8Array): Uint8Array {
  return crypto.blake2s(message.subarray(0, message.length - 2 * MAC_LENGTH), MAC_LENGTH, key);
}

/** MAC(cookie, msg_β), msg_β being all bytes before mac2. */
export function computeMac2(crypto: MacProvider, cookie: Uint8Array, message: Uint8Array): Uint8Array {
  return crypto.blake2s(message.subarray(0, message.length - MAC_LENGTH), MAC_LENGTH, cookie);
}
