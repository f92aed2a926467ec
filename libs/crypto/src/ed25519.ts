// Ed25519 signatures (RFC 8032 §5.1) by node:crypto. Used by the control server, which signs relay tickets, and by relays,
// which check them.

import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { KEY_LENGTH, requireLength } from './buffer-rules.js';

export const ED25519_SIGNATURE_BYTES = 64;

/** The DER of a PKCS#8 Ed25519 private key up to its 32 bytes (RFC 8410 §7). */
const PKCS8_PREFIX = Uint8Array.of(
  ...[0x30, 0x2e, 0x02, 0x01, 0x00], // SEQUENCE of 46 bytes, version 0
  ...[0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70], // AlgorithmIdentifier 1.3.101.112, id-Ed25519
  ...[0x04, 0x22, 0x04, 0x20], // OCTET STRING around an OCTET STRING of 32 bytes
);

export class Ed25519Signer {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly #key: KeyObject;

  /** The key of a 32-byte seed, which is copied into OpenSSL. Throws CryptoError `wrong-length`. */
  constructor(seed: Uint8Array) {
    requireLength('Ed25519 seed', seed, KEY_LENGTH);
    const der = Buffer.alloc(PKCS8_PREFIX.length + KEY_LENGTH);
    der.set(PKCS8_PREFIX);
    der.set(seed, PKCS8_PREFIX.length);
    this.#key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    der.fill(0);
    this.publicKey = Uint8Array.from(Buffer.from(createPublicKey(this.#key).export({ format: 'jwk' }).x!, 'base64url'));
  }

  /** 64 bytes. */
  sign(message: Uint8Array): Uint8Array {
    return Uint8Array.from(sign(null, message, this.#key));
  }
}

/** Checks signatures of one signer: importing a key costs more than a check. */
export class Ed25519Verifier {
  readonly #key: KeyObject;

  /** Of a public key of 32 bytes. Throws CryptoError `wrong-length`. */
  constructor(publicKey: Uint8Array) {
    requireLength('Ed25519 public key', publicKey, KEY_LENGTH);
    const x = Buffer.from(publicKey.buffer, publicKey.byteOffset, publicKey.length).toString('base64url');
    this.#key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  }

  verify(message: Uint8Array, signature: Uint8Array): boolean {
    return signature.length === ED25519_SIGNATURE_BYTES && verify(null, message, this.#key, signature);
  }
}
