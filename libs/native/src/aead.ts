// ChaCha20-Poly1305 (RFC 8439) by OpenSSL. One context per thread and direction keeps one key; WireGuard's nonce is a counter
// and its additional data is empty (whitepaper §5.4.6). Used by the workers of libs/dataplane and by the EVP provider of
// libs/crypto.

import { decodeHex } from '@shadownet/primitives';

import { type PinnedBlock, processArena } from './arena.js';
import { setPointer } from './machine.js';
import { NativeError } from './native-error.js';
import { bindOpenSsl, type OpenSslLibrary } from './openssl.js';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
export const AEAD_TAG_BYTES = 16;

// OSSL_PARAM (openssl/core.h): const char *key; unsigned data_type; void *data; size_t data_size; size_t return_size. A list
// ends with an entry without key.
const PARAM_BYTES = 40;
const PARAM_KEY = 0;
const PARAM_TYPE = 8;
const PARAM_DATA = 16;
const PARAM_SIZE = 24;
const PARAM_TYPE_OCTETS = 5;

interface Evp {
  /** Where the functions come from, for the log. */
  readonly library: string;
  readonly newContext: () => number;
  readonly freeContext: (context: number) => void;
  readonly resetContext: (context: number) => number;
  readonly cipher: () => number;
  readonly encryptInit: Five;
  readonly encryptUpdate: Five;
  readonly encryptFinal: Three;
  readonly decryptInit: Five;
  readonly decryptUpdate: Five;
  readonly decryptFinal: Three;
  readonly getParameters: (context: number, parameters: number) => number;
}

type Three = (context: number, out: number, lengthOut: number) => number;
type Five = (context: number, a: number, b: number, c: number, d: number) => number;

let loaded: Evp | undefined;

/**
 * Finds OpenSSL, proves one known answer, and says where it was found. Throws NativeError 'native-unavailable' if there is
 * none that gives it.
 */
export function loadAead(): string {
  return evp().library;
}

abstract class AeadContext {
  protected readonly evp: Evp;
  protected readonly context: number;
  protected readonly nonceAddress: number;
  protected readonly lengthAddress: number;
  readonly #nonce: DataView;
  readonly #key: PinnedBlock;
  readonly #tag: DataView;
  readonly #tagAddress: number;

  constructor(functions: Evp = evp()) {
    this.evp = functions;
    this.context = functions.newContext();
    if (this.context === 0) throw new NativeError('native-unavailable', 'OpenSSL has no memory for a cipher context');
    this.#key = processArena().allocate(KEY_BYTES);
    const nonce = processArena().allocate(NONCE_BYTES);
    this.#nonce = new DataView(nonce.bytes.buffer, nonce.bytes.byteOffset, NONCE_BYTES);
    this.nonceAddress = nonce.address;
    this.lengthAddress = processArena().allocate(4).address;
    const name = processArena().allocate(4);
    name.bytes.set(new TextEncoder().encode('tag'));
    const list = processArena().allocate(2 * PARAM_BYTES);
    this.#tag = new DataView(list.bytes.buffer, list.bytes.byteOffset, list.bytes.length);
    this.#tagAddress = list.address;
    setPointer(this.#tag, PARAM_KEY, name.address);
    this.#tag.setUint32(PARAM_TYPE, PARAM_TYPE_OCTETS, true);
    setPointer(this.#tag, PARAM_SIZE, AEAD_TAG_BYTES);
  }

  /** 32 bytes, copied: what this thread's C memory holds of the key is gone after the next `setKey` or `forgetKey`. */
  setKey(key: Uint8Array): void {
    if (key.length !== KEY_BYTES) throw new RangeError(`a key has ${KEY_BYTES} bytes, not ${key.length}`);
    this.#key.bytes.set(key);
    this.initialize(this.#key.address);
    this.#key.bytes.fill(0);
  }

  /** OpenSSL clears a context's memory when it is reset. */
  forgetKey(): void {
    this.evp.resetContext(this.context);
  }

  free(): void {
    this.evp.freeContext(this.context);
  }

  protected abstract initialize(keyAddress: number): void;

  /** Four zero bytes, then the counter in little-endian. */
  protected setNonce(counterLow: number, counterHigh: number): void {
    this.#nonce.setUint32(4, counterLow, true);
    this.#nonce.setUint32(8, counterHigh, true);
  }

  /** The parameter list that says where a tag lies, or is to be put. */
  protected tagAt(address: number): number {
    setPointer(this.#tag, PARAM_DATA, address);
    return this.#tagAddress;
  }

  /** Any 12-byte nonce, for uses other than transport messages. */
  setNonceBytes(nonce: Uint8Array): void {
    for (let i = 0; i < NONCE_BYTES; i++) this.#nonce.setUint8(i, nonce[i]!);
  }
}

export class SealingContext extends AeadContext {
  protected initialize(keyAddress: number): void {
    if (this.evp.encryptInit(this.context, this.evp.cipher(), 0, keyAddress, this.nonceAddress) !== 1) failed('seal');
  }

  /** Reads `length` bytes at `source`, writes them sealed and the tag, 16 bytes more, to `target`, which may be the same. */
  seal(counterLow: number, counterHigh: number, source: number, length: number, target: number): void {
    this.setNonce(counterLow, counterHigh);
    this.sealWithNonce(source, length, target);
  }

  /** `seal` under the nonce of `setNonceBytes`, with additional data of `extraLength` bytes at `extra`. */
  sealWithNonce(source: number, length: number, target: number, extra = 0, extraLength = 0): void {
    const { evp, context, lengthAddress } = this;
    if (evp.encryptInit(context, 0, 0, 0, this.nonceAddress) !== 1) failed('seal');
    if (extraLength > 0) evp.encryptUpdate(context, 0, lengthAddress, extra, extraLength);
    if (length > 0) evp.encryptUpdate(context, target, lengthAddress, source, length);
    evp.encryptFinal(context, target + length, lengthAddress);
    if (evp.getParameters(context, this.tagAt(target + length)) !== 1) failed('seal');
  }
}

export class OpeningContext extends AeadContext {
  protected initialize(keyAddress: number): void {
    if (this.evp.decryptInit(this.context, this.evp.cipher(), keyAddress, this.nonceAddress, 0) !== 1) failed('open');
  }

  /** Reads `length` sealed bytes and the tag behind them at `source`, writes them opened to `target`, which may be the same. False if forged. */
  open(counterLow: number, counterHigh: number, source: number, length: number, target: number): boolean {
    this.setNonce(counterLow, counterHigh);
    return this.openWithNonce(source, length, target);
  }

  /** `open` under the nonce of `setNonceBytes`, with additional data of `extraLength` bytes at `extra`. */
  openWithNonce(source: number, length: number, target: number, extra = 0, extraLength = 0): boolean {
    const { evp, context, lengthAddress } = this;
    // The expected tag goes in with the nonce, which spares a call for each message.
    if (evp.decryptInit(context, 0, 0, this.nonceAddress, this.tagAt(source + length)) !== 1) failed('open');
    if (extraLength > 0) evp.decryptUpdate(context, 0, lengthAddress, extra, extraLength);
    if (length > 0) evp.decryptUpdate(context, target, lengthAddress, source, length);
    return evp.decryptFinal(context, target + length, lengthAddress) === 1;
  }
}

function failed(what: string): never {
  throw new NativeError('native-unavailable', `OpenSSL refused to ${what} with ChaCha20-Poly1305`);
}

function evp(): Evp {
  loaded ??= bindOpenSsl('ChaCha20-Poly1305', (library, name) => {
    const found = bindEvp(library, name);
    proveKnownAnswer(found);
    return found;
  });
  return loaded;
}

function bindEvp(library: OpenSslLibrary, name: string): Evp {
  const pointer = 'int64_t';
  const five = (symbol: string): Five =>
    library.func(symbol, 'int', [pointer, pointer, pointer, pointer, pointer]) as Five;
  const update = (symbol: string): Five =>
    library.func(symbol, 'int', [pointer, pointer, pointer, pointer, 'int']) as Five;
  const three = (symbol: string): Three => library.func(symbol, 'int', [pointer, pointer, pointer]) as Three;
  const newContext = library.func('EVP_CIPHER_CTX_new', pointer, []) as () => number | bigint;
  const cipher = Number(library.func('EVP_chacha20_poly1305', pointer, [])());
  return {
    library: name,
    newContext: () => Number(newContext()),
    freeContext: library.func('EVP_CIPHER_CTX_free', 'void', [pointer]) as (context: number) => void,
    resetContext: library.func('EVP_CIPHER_CTX_reset', 'int', [pointer]) as (context: number) => number,
    cipher: () => cipher,
    encryptInit: five('EVP_EncryptInit_ex'),
    encryptUpdate: update('EVP_EncryptUpdate'),
    encryptFinal: three('EVP_EncryptFinal_ex'),
    decryptInit: five('EVP_DecryptInit_ex2'),
    decryptUpdate: update('EVP_DecryptUpdate'),
    decryptFinal: three('EVP_DecryptFinal_ex'),
    getParameters: library.func('EVP_CIPHER_CTX_get_params', 'int', [pointer, pointer]) as Evp['getParameters'],
  };
}

/** RFC 8439 §2.8.2: sealed, opened, and refused once a bit of the tag is turned. */
function proveKnownAnswer(functions: Evp): void {
  const key = decodeHex('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f')!;
  const nonce = decodeHex('070000004041424344454647')!;
  const extra = decodeHex('50515253c0c1c2c3c4c5c6c7')!;
  const plaintext = new TextEncoder().encode(
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
  );
  const tag = decodeHex('1ae10b594f09e26a7e902ecbd0600691')!;

  const arena = processArena();
  const block = arena.allocate(plaintext.length + AEAD_TAG_BYTES);
  const extraBlock = arena.allocate(extra.length);
  const sealing = new SealingContext(functions);
  const opening = new OpeningContext(functions);
  try {
    extraBlock.bytes.set(extra);
    block.bytes.set(plaintext);
    sealing.setKey(key);
    sealing.setNonceBytes(nonce);
    sealing.sealWithNonce(block.address, plaintext.length, block.address, extraBlock.address, extra.length);
    const sealed = block.bytes.slice();
    if (!tag.every((byte, i) => sealed[plaintext.length + i] === byte)) throw new Error('a wrong tag');
    opening.setKey(key);
    opening.setNonceBytes(nonce);
    const open = (): boolean =>
      opening.openWithNonce(block.address, plaintext.length, block.address, extraBlock.address, extra.length);
    if (!open() || !plaintext.every((byte, i) => block.bytes[i] === byte)) throw new Error('a wrong plaintext');
    block.bytes.set(sealed);
    block.bytes[plaintext.length]! ^= 1;
    if (open()) throw new Error('a forged tag was accepted');
  } finally {
    sealing.free();
    opening.free();
    arena.release(block);
    arena.release(extraBlock);
  }
}
