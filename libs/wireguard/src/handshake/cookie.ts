// Cookies (whitepaper §5.3, §5.4.7): under load a responder processes only handshakes from senders that receive at the
// address they claim. CookieResponder asks for the proof and checks it, CookieStore is the other end's memory of one peer.

import type { CryptoProvider, RandomBytes } from '@shadownet/crypto';
import { concatBytes, durationBetween, type Endpoint, type Instant } from '@shadownet/primitives';
import { COOKIE_LENGTH, COOKIE_LIFETIME, COOKIE_NONCE_LENGTH, KEY_LENGTH } from '../constants.js';
import type { SessionIndex } from '../session-index.js';
import { computeMac1, computeMac2, cookieKey, mac1Key, mac1Of, mac2Of } from './mac.js';
import { encodeCookieReply } from './messages.js';

/** The checks that a device makes on handshake messages sent to its public key. */
export class CookieResponder {
  readonly #crypto: CryptoProvider;
  readonly #random: RandomBytes;
  readonly #mac1Key: Uint8Array;
  readonly #cookieKey: Uint8Array;
  #secret: { readonly bytes: Uint8Array; readonly createdAt: Instant } | undefined;

  constructor(crypto: CryptoProvider, random: RandomBytes, publicKey: Uint8Array) {
    this.#crypto = crypto;
    this.#random = random;
    this.#mac1Key = mac1Key(crypto, publicKey);
    this.#cookieKey = cookieKey(crypto, publicKey);
  }

  hasValidMac1(message: Uint8Array): boolean {
    return this.#crypto.equal(mac1Of(message), computeMac1(this.#crypto, this.#mac1Key, message));
  }

  hasValidMac2(message: Uint8Array, from: Endpoint, now: Instant): boolean {
    const mac2 = mac2Of(message);
    // Whoever has no cookie leaves it zero (§5.4.4): most senders do, and hashes are what a flood costs.
    if (mac2.every((byte) => byte === 0)) return false;
    return this.#crypto.equal(mac2, computeMac2(this.#crypto, this.#cookieFor(from, now), message));
  }

  /** msg.cookie = XAEAD(HASH(LABEL-COOKIE ‖ Spub_m), nonce, τ, M) with M the mac1 of the message it answers: 64 bytes. */
  reply(message: Uint8Array, receiver: SessionIndex, from: Endpoint, now: Instant): Uint8Array {
    const nonce = this.#random(COOKIE_NONCE_LENGTH);
    const cookie = this.#cookieFor(from, now);
    return encodeCookieReply(
      receiver,
      nonce,
      this.#crypto.xseal(this.#cookieKey, nonce, cookie, Uint8Array.from(mac1Of(message))),
    );
  }

  /** τ = MAC(R_m, address ‖ port), with R_m a secret that changes every two minutes. */
  #cookieFor(from: Endpoint, now: Instant): Uint8Array {
    if (!this.#secret || durationBetween(this.#secret.createdAt, now) >= COOKIE_LIFETIME) {
      this.#secret = { bytes: this.#random(KEY_LENGTH), createdAt: now };
    }
    const port = Uint8Array.of(from.port >> 8, from.port & 0xff);
    return this.#crypto.blake2s(concatBytes(from.address.bytes, port), COOKIE_LENGTH, this.#secret.bytes);
  }
}

/** Closes our handshake messages to one peer, with the last cookie it sent us while that is valid. */
export class CookieStore {
  readonly #crypto: CryptoProvider;
  readonly #mac1Key: Uint8Array;
  readonly #cookieKey: Uint8Array;
  #cookie: { readonly bytes: Uint8Array; readonly receivedAt: Instant } | undefined;
  #lastMac1: Uint8Array | undefined;

  constructor(crypto: CryptoProvider, peerPublicKey: Uint8Array) {
    this.#crypto = crypto;
    this.#mac1Key = mac1Key(crypto, peerPublicKey);
    this.#cookieKey = cookieKey(crypto, peerPublicKey);
  }

  /** Fills in mac1, and mac2 if we hold a cookie that is less than two minutes old. */
  sign(message: Uint8Array, now: Instant): void {
    const mac1 = computeMac1(this.#crypto, this.#mac1Key, message);
    mac1Of(message).set(mac1);
    this.#lastMac1 = mac1;
    if (!this.#cookie || durationBetween(this.#cookie.receivedAt, now) >= COOKIE_LIFETIME) return;
    mac2Of(message).set(computeMac2(this.#crypto, this.#cookie.bytes, message));
  }

  /** Takes the cookie of a reply to our last message; each message can be answered once. False if it is forged. */
  accept(nonce: Uint8Array, sealedCookie: Uint8Array, now: Instant): boolean {
    if (!this.#lastMac1) return false;
    const cookie = this.#crypto.xopen(this.#cookieKey, nonce, sealedCookie, this.#lastMac1);
    if (!cookie) return false;
    this.#cookie = { bytes: cookie, receivedAt: now };
    this.#lastMac1 = undefined;
    return true;
  }
}
