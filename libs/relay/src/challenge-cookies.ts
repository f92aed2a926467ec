// The stateless proof that a client receives at the address it sends from: time and an HMAC over address, time and nonce, under
// a secret that never leaves the process. Only what comes back from that address in time is worth a key agreement.
//
//     cookie, 24 bytes: issued at 8 (µs of the relay's monotonic clock), HMAC-SHA256 16

import type { CryptoProvider, RandomBytes } from '@shadownet/crypto';
import { ByteReader, ByteWriter, encodeUtf8, type Instant } from '@shadownet/primitives';
import { CHALLENGE_LIFETIME, TAG_BYTES } from './constants.js';

const SECRET_BYTES = 32;

export class ChallengeCookies {
  readonly #secret: Uint8Array;

  constructor(
    private readonly crypto: CryptoProvider,
    random: RandomBytes,
  ) {
    this.#secret = random(SECRET_BYTES);
  }

  issue(linkId: string, nonce: Uint8Array, now: Instant): Uint8Array {
    const issuedAt = BigInt(Math.round(now * 1000));
    const tag = this.#tag(linkId, nonce, issuedAt);
    return new ByteWriter().u64be(issuedAt).bytes(tag).view();
  }

  /** When it was issued, in µs, if that was for this link and nonce and not too long ago. */
  verify(cookie: Uint8Array, linkId: string, nonce: Uint8Array, now: Instant): bigint | undefined {
    const reader = new ByteReader(cookie);
    const issuedAt = reader.u64be();
    const age = BigInt(Math.round(now * 1000)) - issuedAt;
    if (age < 0n || age > BigInt(CHALLENGE_LIFETIME) * 1000n) return undefined;
    return this.crypto.equal(this.#tag(linkId, nonce, issuedAt), reader.bytes(TAG_BYTES)) ? issuedAt : undefined;
  }

  #tag(linkId: string, nonce: Uint8Array, issuedAt: bigint): Uint8Array {
    const input = new ByteWriter().u64be(issuedAt).bytes(nonce).bytes(encodeUtf8(linkId)).view();
    return this.crypto.hmacSha256(this.#secret, input).subarray(0, TAG_BYTES);
  }
}
