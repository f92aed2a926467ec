// X25519 (RFC 7748) by OpenSSL's EVP_PKEY. A key lives in C memory, which OpenSSL clears when the key is freed: `free` is the
// owner's duty, at the moment at which the key has done its work. node:crypto takes ten times as long to import a private
// key, and keeps it until the garbage collector comes. Used by the EVP provider of libs/crypto.

import { bytesEqual, decodeHex } from '@shadownet/primitives';

import { type PinnedBlock, processArena } from './arena.js';
import { NativeError } from './native-error.js';
import { bindOpenSsl, type OpenSslLibrary } from './openssl.js';

export const X25519_BYTES = 32;
/** EVP_PKEY_X25519 (openssl/obj_mac.h). */
const X25519_TYPE = 1034;

interface Evp {
  readonly library: string;
  readonly newPrivateKey: (type: number, engine: number, bytes: number, length: number) => number;
  readonly newPublicKey: (type: number, engine: number, bytes: number, length: number) => number;
  readonly freeKey: (key: number) => void;
  readonly publicKeyOf: (key: number, out: number, length: number) => number;
  readonly newContext: (key: number, engine: number) => number;
  readonly freeContext: (context: number) => void;
  readonly beginDerive: (context: number) => number;
  readonly setPeer: (context: number, peer: number, validate: number) => number;
  readonly clearErrors: () => void;
  readonly derive: (context: number, out: number, length: number) => number;
}

let loaded: Evp | undefined;

/** Finds OpenSSL, proves a known answer, and says where it was found. Throws NativeError 'native-unavailable'. */
export function loadX25519(): string {
  return evp().library;
}

/** Where 32 bytes go in and out, one after the other; and a size_t that says how many. */
interface Scratch {
  readonly bytes: PinnedBlock;
  readonly length: DataView;
  readonly lengthAddress: number;
}

let scratch: Scratch | undefined;

export class X25519Key {
  readonly #evp: Evp;
  /** Zero once the key is freed. */
  #key: number;
  #context: number;

  /** 32 bytes, copied. */
  constructor(bytes: Uint8Array, functions: Evp = evp()) {
    if (bytes.length !== X25519_BYTES) throw new RangeError(`a key has ${X25519_BYTES} bytes, not ${bytes.length}`);
    this.#evp = functions;
    const { bytes: block } = scratchMemory();
    block.bytes.set(bytes);
    this.#key = functions.newPrivateKey(X25519_TYPE, 0, block.address, X25519_BYTES);
    block.bytes.fill(0);
    this.#context = this.#key === 0 ? 0 : functions.newContext(this.#key, 0);
    if (this.#context === 0 || functions.beginDerive(this.#context) !== 1) {
      this.free();
      throw new NativeError('native-unavailable', 'OpenSSL refused an X25519 key');
    }
  }

  /** 32 bytes. The key must not be freed. */
  publicKey(): Uint8Array {
    const { bytes, lengthAddress } = outgoing();
    if (this.#evp.publicKeyOf(this.#key, bytes.address, lengthAddress) !== 1) {
      throw new NativeError('native-unavailable', 'OpenSSL has no public key for an X25519 key');
    }
    return bytes.bytes.slice();
  }

  /** The 32-byte secret shared with the owner of 32 bytes of public key; `undefined` if it would be zero. The key must not be freed. */
  sharedSecret(peer: Uint8Array): Uint8Array | undefined {
    const { bytes, lengthAddress } = outgoing();
    bytes.bytes.set(peer);
    const peerKey = this.#evp.newPublicKey(X25519_TYPE, 0, bytes.address, X25519_BYTES);
    if (peerKey === 0) throw new NativeError('native-unavailable', 'OpenSSL refused an X25519 public key');
    // Every 32 bytes are a public key (RFC 7748 §5); OpenSSL itself refuses a secret of zeros.
    const derived =
      this.#evp.setPeer(this.#context, peerKey, 0) === 1 &&
      this.#evp.derive(this.#context, bytes.address, lengthAddress) === 1;
    const secret = derived ? bytes.bytes.slice() : undefined;
    // Node's own use of OpenSSL in this thread must not find an error that was this one's.
    if (!derived) this.#evp.clearErrors();
    bytes.bytes.fill(0);
    this.#evp.freeKey(peerKey);
    return secret;
  }

  /** OpenSSL clears the private key's memory. Once is enough, more do no harm. */
  free(): void {
    if (this.#context !== 0) this.#evp.freeContext(this.#context);
    if (this.#key !== 0) this.#evp.freeKey(this.#key);
    this.#context = 0;
    this.#key = 0;
  }
}

function scratchMemory(): Scratch {
  if (!scratch) {
    const length = processArena().allocate(8);
    scratch = {
      bytes: processArena().allocate(X25519_BYTES),
      length: new DataView(length.bytes.buffer, length.bytes.byteOffset, 8),
      lengthAddress: length.address,
    };
  }
  return scratch;
}

function outgoing(): Scratch {
  const memory = scratchMemory();
  memory.length.setUint32(0, X25519_BYTES, true);
  return memory;
}

function evp(): Evp {
  loaded ??= bindOpenSsl('X25519', (library, name) => {
    const found = bindEvp(library, name);
    proveKnownAnswer(found);
    return found;
  });
  return loaded;
}

function bindEvp(library: OpenSslLibrary, name: string): Evp {
  const pointer = 'int64_t';
  const rawKey = ['int', pointer, pointer, 'size_t'];
  return {
    library: name,
    newPrivateKey: address(library.func('EVP_PKEY_new_raw_private_key', pointer, rawKey)),
    newPublicKey: address(library.func('EVP_PKEY_new_raw_public_key', pointer, rawKey)),
    freeKey: library.func('EVP_PKEY_free', 'void', [pointer]) as Evp['freeKey'],
    publicKeyOf: library.func('EVP_PKEY_get_raw_public_key', 'int', [pointer, pointer, pointer]) as Evp['publicKeyOf'],
    newContext: address(library.func('EVP_PKEY_CTX_new', pointer, [pointer, pointer])),
    freeContext: library.func('EVP_PKEY_CTX_free', 'void', [pointer]) as Evp['freeContext'],
    beginDerive: library.func('EVP_PKEY_derive_init', 'int', [pointer]) as Evp['beginDerive'],
    setPeer: library.func('EVP_PKEY_derive_set_peer_ex', 'int', [pointer, pointer, 'int']) as Evp['setPeer'],
    clearErrors: library.func('ERR_clear_error', 'void', []) as Evp['clearErrors'],
    derive: library.func('EVP_PKEY_derive', 'int', [pointer, pointer, pointer]) as Evp['derive'],
  };
}

/** koffi gives a pointer as a number where it fits one, which user space's do. */
function address(call: (...parameters: number[]) => unknown): (...parameters: number[]) => number {
  return (...parameters) => Number(call(...parameters));
}

/** RFC 7748 §6.1: Alice's public key, her secret with Bob, and none with a point of low order. */
function proveKnownAnswer(functions: Evp): void {
  const alice = decodeHex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a')!;
  const alicePublic = decodeHex('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a')!;
  const bobPublic = decodeHex('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f')!;
  const expected = decodeHex('4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742')!;
  const key = new X25519Key(alice, functions);
  try {
    if (!areEqual(key.publicKey(), alicePublic)) throw new Error('a wrong public key');
    if (!areEqual(key.sharedSecret(bobPublic), expected)) throw new Error('a wrong shared secret');
    if (key.sharedSecret(new Uint8Array(X25519_BYTES)) !== undefined) throw new Error('a low-order key was accepted');
  } finally {
    key.free();
  }
}

function areEqual(actual: Uint8Array | undefined, expected: Uint8Array): boolean {
  return actual !== undefined && bytesEqual(actual, expected);
}
