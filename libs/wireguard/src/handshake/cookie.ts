// Cookies (whitepaper §5.3, §5.4.7): under load a responder processes only handshakes from senders that receive at the
// address they claim. MacChecker checks the proof, CookieResponder asks for it, CookieStore is the other end's memory of one peer.

import type { Blake2sMac, CryptoProvider, MacProvider, RandomBytes } from '@shadownet/crypto';
import { concatBytes, durationBetween, encodeUtf8, type Endpoint, type Instant } from '@shadownet/primitives';
import { COOKIE_LIFETIME, COOKIE_NONCE_LENGTH, KEY_LENGTH, MAC_LENGTH } from '../constants.js';
import type { SessionIndex } from '../session-index.js';
import { computeMac1, computeMac2, cookieKey, mac1Key, mac1Of, mac2Of } from './mac.js';
import { encodeCookieReply } from './messages.js';

/** What it takes to check the MACs of handshake messages to a device; receive workers have a copy. 32 bytes each. */
export interface HandshakeKeys {
  /** HASH(LABEL-MAC1 ‖ Spub_m), which anybody can compute who knows the public key. */
  readonly mac1: Uint8Array;
  /** What the secrets behind cookies are derived from: no one else may know it. */
  readonly cookieMaster: Uint8Array;
}

/** The checks that a device makes on handshake messages sent to its public key. */
export class MacChecker {
  readonly #crypto: MacProvider;
  readonly #mac1: Blake2sMac;
  readonly #cookieMaster: Blake2sMac;
  #secret: { readonly period: number; readonly mac: Blake2sMac } | undefined;

  /** The keys are copied. */
  constructor(crypto: MacProvider, keys: HandshakeKeys) {
    this.#crypto = crypto;
    this.#mac1 = crypto.blake2sMac(keys.mac1);
    this.#cookieMaster = crypto.blake2sMac(keys.cookieMaster);
  }

  /** Of the message that begins at `start` of `bytes`. Allocates nothing. */
  hasValidMac1(bytes: Uint8Array, start = 0, length = bytes.length): boolean {
    const macAt = start + length - 2 * MAC_LENGTH;
    return this.#mac1.verify(bytes, start, macAt, macAt);
  }

  hasValidMac2(message: Uint8Array, from: Endpoint, now: Instant): boolean {
    const mac2 = mac2Of(message);
    // Whoever has no cookie leaves it zero (§5.4.4): most senders do, and hashes are what a flood costs.
    if (mac2.every((byte) => byte === 0)) return false;
    return this.#crypto.equal(mac2, computeMac2(this.#crypto, this.cookieFor(from, now), message));
  }

  /**
   * τ = MAC(R_m, address ‖ port). R_m changes every two minutes: it is a MAC of their number, so that whoever has the keys
   * and the clock knows it without being told.
   */
  cookieFor(from: Endpoint, now: Instant): Uint8Array {
    const period = Math.floor(now / COOKIE_LIFETIME);
    if (this.#secret?.period !== period) {
      this.#secret?.mac.zero();
      const secret = this.#cookieMaster.compute(encodeUtf8(String(period)));
      this.#secret = { period, mac: this.#crypto.blake2sMac(secret) };
      secret.fill(0);
    }
    const port = Uint8Array.of(from.port >> 8, from.port & 0xff);
    return this.#secret.mac.compute(concatBytes(from.address.bytes, port));
  }

  zero(): void {
    this.#mac1.zero();
    this.#cookieMaster.zero();
    this.#secret?.mac.zero();
    this.#secret = undefined;
  }
}

/** Asks senders for the proof that they receive at their address. */
export class CookieResponder {
  readonly checker: MacChecker;
  readonly keys: HandshakeKeys;
  readonly #crypto: CryptoProvider;
  readonly #random: RandomBytes;
  readonly #cookieKey: Uint8Array;

  constructor(crypto: CryptoProvider, random: RandomBytes, publicKey: Uint8Array) {
    this.#crypto = crypto;
    this.#random = random;
    this.keys = { mac1: mac1Key(crypto, publicKey), cookieMaster: random(KEY_LENGTH) };
    this.checker = new MacChecker(crypto, this.keys);
    this.#cookieKey = cookieKey(crypto, publicKey);
  }

  /** msg.cookie = XAEAD(HASH(LABEL-COOKIE ‖ Spub_m), nonce, τ, M) with M the mac1 of the message it answers: 64 bytes. */
  reply(message: Uint8Array, receiver: SessionIndex, from: Endpoint, now: Instant): Uint8Array {
    const nonce = this.#random(COOKIE_NONCE_LENGTH);
    const cookie = this.checker.cookieFor(from, now);
    return encodeCookieReply(
      receiver,
      nonce,
      this.#crypto.xseal(this.#cookieKey, nonce, cookie, Uint8Array.from(mac1Of(message))),
    );
  }

  zero(): void {
    this.checker.zero();
    this.keys.cookieMaster.fill(0);
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
