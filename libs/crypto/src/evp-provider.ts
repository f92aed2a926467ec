// The provider on OpenSSL's EVP functions over FFI (libs/native): X25519 and AEAD without node:crypto's key objects, of which
// importing one takes ten times as long as using it. BLAKE2s is WebAssembly, the rest node:crypto's. Keys are in C memory,
// cleared by `zero()` at once; the memory that messages are copied through is wiped after each use. It is an entry of its own,
// @shadownet/crypto/evp, because it brings libs/native along.

import {
  loadAead,
  loadX25519,
  OpeningContext,
  type PinnedBlock,
  processArena,
  SealingContext,
  X25519Key,
} from '@shadownet/native';
import { publicKeyFromBytes } from '@shadownet/primitives';
import { KEY_LENGTH, requireLength, requireOpenBuffers, requireSealBuffers, TAG_LENGTH } from './buffer-rules.js';
import type { ProviderCandidate } from './choose-provider.js';
import { CryptoError } from './crypto-error.js';
import { nodeCrypto } from './node-provider.js';
import { clampedCopy } from './private-key.js';
import type { CryptoProvider, PrivateKey } from './provider.js';

/** For `chooseCryptoProvider`. Its `load` throws NativeError 'native-unavailable' where there is no koffi or no OpenSSL 3. */
export const evpCandidate: ProviderCandidate = {
  name: 'evp',
  load() {
    loadX25519();
    loadAead();
    return new EvpCrypto();
  },
};

/** A UDP datagram and its tag fit; longer messages get a block of their own size. */
const USUAL_TEXT_BYTES = 65_536 + TAG_LENGTH;
/** Handshakes authenticate a hash of 32 bytes. */
const USUAL_EXTRA_BYTES = 256;
/** Takes the place of a key in an AEAD context that has done its work. */
const NO_KEY = new Uint8Array(KEY_LENGTH);

class EvpCrypto implements CryptoProvider {
  readonly name = 'evp';
  readonly blake2s = nodeCrypto.blake2s;
  readonly blake2sMac = nodeCrypto.blake2sMac;
  readonly hmacBlake2s = nodeCrypto.hmacBlake2s;
  readonly sha256 = nodeCrypto.sha256;
  readonly hmacSha256 = nodeCrypto.hmacSha256;
  readonly hmacSha256Tag = nodeCrypto.hmacSha256Tag;
  readonly hmacSha1 = nodeCrypto.hmacSha1;
  // Cookie replies only: rare, 16 bytes, and OpenSSL has no XChaCha20.
  readonly xseal = nodeCrypto.xseal;
  readonly xopen = nodeCrypto.xopen;
  readonly equal = nodeCrypto.equal;
  readonly #sealing = new SealingContext();
  readonly #opening = new OpeningContext();
  readonly #text = new PinnedScratch(USUAL_TEXT_BYTES);
  readonly #extra = new PinnedScratch(USUAL_EXTRA_BYTES);

  privateKey(bytes: Uint8Array): PrivateKey {
    return new EvpPrivateKey(bytes);
  }

  seal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, additionalData: Uint8Array, out: Uint8Array): void {
    requireSealBuffers(key, nonce, plaintext, out);
    const { length } = plaintext;
    const text = this.#text.hold(plaintext, out.length);
    const extra = this.#extra.hold(additionalData, additionalData.length);
    this.#sealing.setKey(key);
    this.#sealing.setNonceBytes(nonce);
    this.#sealing.sealWithNonce(text.address, length, text.address, extra.address, additionalData.length);
    this.#sealing.setKey(NO_KEY);
    this.#text.release(out);
    this.#extra.release(undefined);
  }

  open(
    key: Uint8Array,
    nonce: Uint8Array,
    ciphertext: Uint8Array,
    additionalData: Uint8Array,
    out: Uint8Array,
  ): boolean {
    if (ciphertext.length < TAG_LENGTH) return false;
    requireOpenBuffers(key, nonce, ciphertext, out);
    const text = this.#text.hold(ciphertext, ciphertext.length);
    const extra = this.#extra.hold(additionalData, additionalData.length);
    this.#opening.setKey(key);
    this.#opening.setNonceBytes(nonce);
    const authentic = this.#opening.openWithNonce(
      text.address,
      out.length,
      text.address,
      extra.address,
      additionalData.length,
    );
    this.#opening.setKey(NO_KEY);
    this.#text.release(authentic ? out : undefined);
    this.#extra.release(undefined);
    return authentic;
  }
}

/** Memory that OpenSSL sees, for one message at a time. */
class PinnedScratch {
  readonly #usual: PinnedBlock;
  #block: PinnedBlock;
  #used = 0;

  constructor(usualBytes: number) {
    this.#usual = processArena().allocate(usualBytes);
    this.#block = this.#usual;
  }

  /** `bytes` at the start of a block that has room for `capacity`. */
  hold(bytes: Uint8Array, capacity: number): PinnedBlock {
    this.#block = capacity > this.#usual.bytes.length ? processArena().allocate(capacity) : this.#usual;
    this.#block.bytes.set(bytes);
    this.#used = capacity;
    return this.#block;
  }

  /** Copies what is there out, and wipes it. */
  release(out: Uint8Array | undefined): void {
    if (out) out.set(this.#block.bytes.subarray(0, out.length));
    this.#block.bytes.fill(0, 0, this.#used);
    if (this.#block !== this.#usual) processArena().release(this.#block);
    this.#block = this.#usual;
  }
}

/** Frees the C memory of keys whose owners were lost without `zero()`. */
const abandoned = new FinalizationRegistry<X25519Key>((key) => key.free());

class EvpPrivateKey implements PrivateKey {
  readonly publicKey: Uint8Array;
  #key: X25519Key | undefined;

  constructor(bytes: Uint8Array) {
    const scalar = clampedCopy(bytes);
    this.#key = new X25519Key(scalar);
    scalar.fill(0);
    this.publicKey = this.#key.publicKey();
    abandoned.register(this, this.#key, this);
  }

  sharedSecret(peerPublicKey: Uint8Array): Uint8Array | undefined {
    if (!this.#key) throw new CryptoError('key-zeroed', 'the private key was zeroed');
    requireLength('public key', peerPublicKey, KEY_LENGTH);
    // A point of low order gives all zeros (RFC 7748 §6.1); OpenSSL would refuse it only after the work is done.
    if (!publicKeyFromBytes(peerPublicKey)) return undefined;
    return this.#key.sharedSecret(peerPublicKey);
  }

  /** OpenSSL clears the key's memory at once. */
  zero(): void {
    abandoned.unregister(this);
    this.#key?.free();
    this.#key = undefined;
  }
}
