// Published vectors: they lie beside the repository and are not part of it. Without them the RFCs' known answers
// (choose-provider.ts) and the equality of the providers are what is left.

import { existsSync, readFileSync } from 'node:fs';
import { decodeHex, encodeHex, encodeUtf8 } from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';
import { fastProviders } from './fast-providers.contract.js';
import { nobleCrypto } from './noble-provider.js';

interface X25519Vectors {
  vectors: { private: string; public: string; result: string; valid: boolean }[];
}
interface AeadVectors {
  vectors: {
    table: string;
    id: string;
    input: string;
    output: string;
    aad: string;
    nonce: string;
    key: string;
    fails: boolean;
  }[];
}
/** Digests of the messages 00, 00 01, … by their length; keyed ones under the key 00…1f. */
interface Blake2sVectors {
  unkeyed: string[];
  keyed: string[];
}
interface RfcVectors {
  x25519_iter: Record<string, string>;
  blake2s_abc: string;
}

const FOLDER = new URL('../../../../shared/vectors/', import.meta.url);

for (const provider of [nobleCrypto, ...fastProviders]) {
  describe.skipIf(!existsSync(FOLDER))(`the ${provider.name} provider on published vectors`, () => {
    it('agrees with every X25519 vector, and refuses those that must fail', () => {
      const { vectors } = load<X25519Vectors>('x25519_kernel.json');
      expect(new Set(vectors.map((vector) => vector.valid))).toEqual(new Set([true, false]));
      for (const vector of vectors) {
        const secret = provider.privateKey(hex(vector.private)).sharedSecret(hex(vector.public));
        expect(secret && encodeHex(secret), vector.public).toBe(vector.valid ? vector.result : undefined);
      }
    });

    it('agrees with a thousand rounds of X25519 (RFC 7748 §5.2)', { timeout: 60_000 }, () => {
      const expected = load<RfcVectors>('rfc_misc.json').x25519_iter;
      const base = new Uint8Array(32);
      base[0] = 9;
      let [k, u] = [base, base];
      for (let round = 1; round <= 1000; round++) {
        [k, u] = [Uint8Array.from(provider.privateKey(k).sharedSecret(u)!), k];
        if (round === 1) expect(encodeHex(k)).toBe(expected['1']);
      }
      expect(encodeHex(k)).toBe(expected['1000']);
    });

    it('seals every AEAD message to its published ciphertext', () => {
      const vectors = load<AeadVectors>('chacha20poly1305_kernel.json').vectors.filter(({ table }) =>
        table.endsWith('_enc_vectors'),
      );
      expect(vectors.length).toBeGreaterThan(0);
      for (const { table, id, key, nonce, aad, input, output } of vectors) {
        const plaintext = hex(input);
        let sealed = new Uint8Array(plaintext.length + 16);
        if (table.startsWith('xchacha')) {
          sealed = Uint8Array.from(provider.xseal(hex(key), hex(nonce), plaintext, hex(aad)));
        } else provider.seal(hex(key), paddedNonce(nonce), plaintext, hex(aad), sealed);
        expect(encodeHex(sealed), `${table} ${id}`).toBe(output);
      }
    });

    it('opens every AEAD message, and refuses those that must fail', () => {
      const vectors = load<AeadVectors>('chacha20poly1305_kernel.json').vectors.filter(({ table }) =>
        table.endsWith('_dec_vectors'),
      );
      expect(new Set(vectors.map((vector) => vector.fails))).toEqual(new Set([true, false]));
      for (const { table, id, key, nonce, aad, input, output, fails } of vectors) {
        const ciphertext = hex(input);
        let opened: Uint8Array | undefined = new Uint8Array(ciphertext.length - 16);
        if (table.startsWith('xchacha')) opened = provider.xopen(hex(key), hex(nonce), ciphertext, hex(aad));
        else if (!provider.open(hex(key), paddedNonce(nonce), ciphertext, hex(aad), opened)) opened = undefined;
        expect(opened && encodeHex(opened), `${table} ${id}`).toBe(fails ? undefined : output);
      }
    });

    it('agrees with every BLAKE2s vector, keyed and unkeyed', () => {
      const { unkeyed, keyed } = load<Blake2sVectors>('blake2s_kernel.json');
      const counting = Uint8Array.from({ length: 256 }, (_, i) => i);
      expect([unkeyed.length, keyed.length]).toEqual([256, 256]);
      for (const [length, digest] of unkeyed.entries())
        expect(encodeHex(provider.blake2s(counting.subarray(0, length), 32))).toBe(digest);
      for (const [length, digest] of keyed.entries())
        expect(encodeHex(provider.blake2s(counting.subarray(0, length), 32, counting.subarray(0, 32)))).toBe(digest);
    });

    it('agrees with RFC 7693 appendix B', () => {
      expect(encodeHex(provider.blake2s(encodeUtf8('abc'), 32))).toBe(load<RfcVectors>('rfc_misc.json').blake2s_abc);
    });
  });
}

function load<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as T;
}

function hex(text: string): Uint8Array {
  return decodeHex(text)!;
}

/** The kernel's 8-byte nonces stand behind four zero bytes, as WireGuard's counters do. */
function paddedNonce(text: string): Uint8Array {
  return hex(text.padStart(24, '0'));
}
