// The callers' side of cookies (WireGuard whitepaper §5.4.4, §5.4.7): what a responder under load asks for, each caller for itself.
import { type CryptoProvider } from '@shadownet/crypto';
import { concatBytes, encodeUtf8 } from '@shadownet/primitives';

const MAC_LENGTH = 16;

export class CookieJar {
  readonly #key: Uint8Array;
  readonly #cookies = new Map<number, Uint8Array>();

  constructor(
    private readonly crypto: CryptoProvider,
    responder: Uint8Array,
  ) {
    // HASH(LABEL-COOKIE ‖ Spub_r)
    this.#key = crypto.blake2s(concatBytes(encodeUtf8('cookie--'), responder), 32);
  }

  /** Keeps the cookie of a 64-byte reply to `initiation`. False if it is forged. */
  accept(caller: number, reply: Uint8Array, initiation: Uint8Array): boolean {
    // XAEAD(key, nonce, cookie, mac1 of the message that is answered)
    const mac1 = initiation.subarray(initiation.length - 2 * MAC_LENGTH, initiation.length - MAC_LENGTH);
    const cookie = this.crypto.xopen(this.#key, reply.subarray(8, 32), reply.subarray(32, 64), Uint8Array.from(mac1));
    if (cookie === undefined) return false;
    this.#cookies.set(caller, cookie);
    return true;
  }

  /** Fills in mac2 = MAC(cookie, all before it), if the caller has a cookie. */
  sign(caller: number, initiation: Uint8Array): void {
    const cookie = this.#cookies.get(caller);
    if (cookie === undefined) return;
    const mac2At = initiation.length - MAC_LENGTH;
    initiation.set(this.crypto.blake2s(initiation.subarray(0, mac2At), MAC_LENGTH, cookie), mac2At);
  }
}
