// The symmetric state of Noise (revision 34, §5.2) with BLAKE2s and ChaCha20-Poly1305, in the whitepaper's notation (§5.4):
// C is the chaining key, H the hash of all that was said, κ a message key. Used by handshake.ts.

import type { CryptoProvider } from '@shadownet/crypto';
import { concatBytes, encodeUtf8 } from '@shadownet/primitives';
import { AEAD_TAG_LENGTH } from '../constants.js';

const CONSTRUCTION = encodeUtf8('Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s');
const EMPTY = new Uint8Array(0);
/** Every handshake key encrypts exactly one message, under counter 0. */
const ZERO_NONCE = new Uint8Array(12);

export class SymmetricState {
  readonly #crypto: CryptoProvider;
  #chainingKey: Uint8Array;
  #hash: Uint8Array;

  private constructor(crypto: CryptoProvider, chainingKey: Uint8Array, hash: Uint8Array) {
    this.#crypto = crypto;
    this.#chainingKey = chainingKey;
    this.#hash = hash;
  }

  /** C = HASH(CONSTRUCTION), H = HASH(HASH(C ‖ prologue) ‖ Spub_r). */
  static start(crypto: CryptoProvider, prologue: Uint8Array, responderStatic: Uint8Array): SymmetricState {
    const chainingKey = crypto.blake2s(CONSTRUCTION, 32);
    const state = new SymmetricState(crypto, chainingKey, Uint8Array.from(chainingKey));
    state.mixHash(prologue);
    state.mixHash(responderStatic);
    return state;
  }

  /** H, 32 bytes: after the last message both ends hold the same one. */
  get hash(): Uint8Array {
    return this.#hash;
  }

  /** An independent copy, so that a message that fails halfway leaves the original as it was. */
  clone(): SymmetricState {
    return new SymmetricState(this.#crypto, Uint8Array.from(this.#chainingKey), Uint8Array.from(this.#hash));
  }

  /** H = HASH(H ‖ data) */
  mixHash(data: Uint8Array): void {
    this.#hash = this.#crypto.blake2s(concatBytes(this.#hash, data), 32);
  }

  /** C = KDF1(C, input) */
  mixChainingKey(input: Uint8Array): void {
    const [chainingKey] = kdf(this.#crypto, this.#chainingKey, input, 1);
    this.#replaceChainingKey(chainingKey!);
  }

  /** (C, κ) = KDF2(C, input); returns κ. */
  mixKey(input: Uint8Array): Uint8Array {
    const [chainingKey, key] = kdf(this.#crypto, this.#chainingKey, input, 2);
    this.#replaceChainingKey(chainingKey!);
    return key!;
  }

  /** (C, τ, κ) = KDF3(C, Q); H = HASH(H ‖ τ); returns κ. */
  mixPresharedKey(presharedKey: Uint8Array): Uint8Array {
    const [chainingKey, temporary, key] = kdf(this.#crypto, this.#chainingKey, presharedKey, 3);
    this.#replaceChainingKey(chainingKey!);
    this.mixHash(temporary!);
    temporary!.fill(0);
    return key!;
  }

  /** c = AEAD(κ, 0, plaintext, H); H = HASH(H ‖ c). Zeroes κ. */
  seal(key: Uint8Array, plaintext: Uint8Array): Uint8Array {
    const ciphertext = new Uint8Array(plaintext.length + AEAD_TAG_LENGTH);
    this.#crypto.seal(key, ZERO_NONCE, plaintext, this.#hash, ciphertext);
    key.fill(0);
    this.mixHash(ciphertext);
    return ciphertext;
  }

  /** The reverse of `seal`; `undefined` if the message is forged. Zeroes κ. */
  open(key: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined {
    const plaintext = new Uint8Array(ciphertext.length - AEAD_TAG_LENGTH);
    const authentic = this.#crypto.open(key, ZERO_NONCE, ciphertext, this.#hash, plaintext);
    key.fill(0);
    if (!authentic) return undefined;
    this.mixHash(ciphertext);
    return plaintext;
  }

  /** (T_initiator→responder, T_responder→initiator) = KDF2(C, ε). Zeroes C: the state is at its end. */
  split(): { initiatorToResponder: Uint8Array; responderToInitiator: Uint8Array } {
    const [initiatorToResponder, responderToInitiator] = kdf(this.#crypto, this.#chainingKey, EMPTY, 2);
    this.zero();
    return { initiatorToResponder: initiatorToResponder!, responderToInitiator: responderToInitiator! };
  }

  zero(): void {
    this.#chainingKey.fill(0);
  }

  #replaceChainingKey(next: Uint8Array): void {
    this.#chainingKey.fill(0);
    this.#chainingKey = next;
  }
}

/**
 * HKDF (RFC 5869 with HMAC-BLAKE2s and no info), `count` outputs of 32 bytes:
 * τ0 = HMAC(key, input); τ1 = HMAC(τ0, 0x1); τi = HMAC(τ0, τ(i−1) ‖ i).
 */
export function kdf(crypto: CryptoProvider, key: Uint8Array, input: Uint8Array, count: 1 | 2 | 3): Uint8Array[] {
  const extracted = crypto.hmacBlake2s(key, input);
  const outputs: Uint8Array[] = [];
  let previous: Uint8Array = EMPTY;
  for (let i = 1; i <= count; i++) {
    previous = crypto.hmacBlake2s(extracted, concatBytes(previous, Uint8Array.of(i)));
    outputs.push(previous);
  }
  extracted.fill(0);
  return outputs;
}
