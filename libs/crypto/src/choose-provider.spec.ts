import { describe, expect, it } from 'vitest';
import { chooseCryptoProvider, chooseMacProvider, passesKnownAnswers } from './choose-provider.js';
import { nobleCrypto } from './noble-provider.js';
import { nodeCrypto } from './node-provider.js';
import type { CryptoProvider } from './provider.js';

describe('the choice of a provider', () => {
  const broken: CryptoProvider = { ...nodeCrypto, blake2s: () => new Uint8Array(32) };

  it('is node:crypto where it gives the known answers', () => {
    expect(chooseCryptoProvider()).toEqual({ provider: nodeCrypto, fallbackReason: undefined });
  });

  it('is the first that gives them, and says what was wrong with those before', () => {
    const absent = (): CryptoProvider => {
      throw new Error('no such library');
    };
    const { provider, fallbackReason } = chooseCryptoProvider([
      { name: 'evp', load: absent },
      { name: 'evp', load: () => broken },
      { name: 'node', load: () => nodeCrypto },
    ]);
    expect(provider).toBe(nodeCrypto);
    expect(fallbackReason).toBe('evp: no such library; evp: it does not give the known answers');
  });

  it('is noble where no other does', () => {
    expect(chooseCryptoProvider([{ name: 'node', load: () => broken }]).provider).toBe(nobleCrypto);
  });
});

describe('the choice of what checks MACs', () => {
  it('is node’s where it gives the known answers, else noble’s', () => {
    expect(chooseMacProvider()).toBe(nodeCrypto);
    expect(chooseMacProvider({ ...nodeCrypto, hmacBlake2s: () => new Uint8Array(32) })).toBe(nobleCrypto);
    const absent = (): Uint8Array => {
      throw new Error('no WebAssembly');
    };
    expect(chooseMacProvider({ ...nodeCrypto, blake2s: absent })).toBe(nobleCrypto);
  });
});

describe('the known answers refuse a provider', () => {
  const refused: Record<string, Partial<CryptoProvider>> = {
    'that throws, as OpenSSL does for an algorithm it lacks': {
      blake2s: () => {
        throw new Error('unsupported');
      },
    },
    'whose X25519 lets a key of low order pass': {
      privateKey: (bytes) => {
        const key = nobleCrypto.privateKey(bytes);
        return {
          publicKey: key.publicKey,
          sharedSecret: (peer) => key.sharedSecret(peer) ?? new Uint8Array(32),
          zero: () => key.zero(),
        };
      },
    },
    'whose X25519 has another answer': { privateKey: () => nobleCrypto.privateKey(new Uint8Array(32)) },
    'whose AEAD seals to something else': { seal: () => {} },
    'whose AEAD opens forgeries': {
      open: (key, nonce, ciphertext, additionalData, out) => {
        nobleCrypto.open(key, nonce, ciphertext, additionalData, out);
        return true;
      },
    },
    'whose AEAD opens nothing': { open: () => false },
    'whose BLAKE2s has another answer': { blake2s: () => new Uint8Array(32) },
    'whose HMAC has another answer': { hmacBlake2s: () => new Uint8Array(32) },
    'whose prepared MAC accepts forgeries': {
      blake2sMac: (key) => ({ ...nobleCrypto.blake2sMac(key), verify: () => true }),
    },
    'whose prepared MAC accepts nothing': {
      blake2sMac: (key) => ({ ...nobleCrypto.blake2sMac(key), verify: () => false }),
    },
  };

  it.each(Object.entries(refused))('%s', (_, broken) => {
    expect(passesKnownAnswers({ ...nobleCrypto, ...broken })).toBe(false);
  });
});
