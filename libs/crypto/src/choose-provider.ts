// Which provider a process uses: decided once at start by known answers, then logged and shown by `status`.

import { bytesEqual, concatBytes, decodeHex, encodeUtf8 } from '@shadownet/primitives';
import { nobleCrypto } from './noble-provider.js';
import { nodeCrypto } from './node-provider.js';
import type { CryptoProvider, MacProvider } from './provider.js';

/** A provider that this machine may not have. */
export interface ProviderCandidate {
  readonly name: CryptoProvider['name'];
  /** Throws with the reason where it cannot be had. */
  readonly load: () => CryptoProvider;
}

export interface ProviderChoice {
  readonly provider: CryptoProvider;
  /** Why it is not the first candidate, for the log; `undefined` if it is. */
  readonly fallbackReason: string | undefined;
}

export const nodeCandidate: ProviderCandidate = { name: 'node', load: () => nodeCrypto };

/** The first candidate that gives the published answers on this machine (some builds of OpenSSL lack algorithms), else noble. */
export function chooseCryptoProvider(candidates: readonly ProviderCandidate[] = [nodeCandidate]): ProviderChoice {
  const refusals: string[] = [];
  const choose = (provider: CryptoProvider): ProviderChoice => ({
    provider,
    fallbackReason: refusals.length > 0 ? refusals.join('; ') : undefined,
  });
  for (const { name, load } of candidates) {
    try {
      const provider = load();
      if (passesKnownAnswers(provider)) return choose(provider);
      refusals.push(`${name}: it does not give the known answers`);
    } catch (error) {
      refusals.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return choose(nobleCrypto);
}

/** For threads that check MACs and nothing else: they start sooner without proofs of what they do not use. */
export function chooseMacProvider(preferred: MacProvider = nodeCrypto): MacProvider {
  try {
    return agreesOnBlake2s(preferred) ? preferred : nobleCrypto;
  } catch {
    return nobleCrypto;
  }
}

/** True if X25519, ChaCha20-Poly1305 and BLAKE2s give the answers of their RFCs; never throws. */
export function passesKnownAnswers(provider: CryptoProvider): boolean {
  try {
    return agreesOnX25519(provider) && agreesOnAead(provider) && agreesOnBlake2s(provider);
  } catch {
    return false;
  }
}

/** RFC 7748 §6.1: Alice's and Bob's keys and their secret, and that a point of low order is refused. */
function agreesOnX25519(provider: CryptoProvider): boolean {
  const alice = provider.privateKey(hex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a'));
  const bob = provider.privateKey(hex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb'));
  const secret = hex('4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742');
  return (
    isEqual(alice.publicKey, hex('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a')) &&
    isEqual(bob.publicKey, hex('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f')) &&
    isEqual(alice.sharedSecret(bob.publicKey), secret) &&
    isEqual(bob.sharedSecret(alice.publicKey), secret) &&
    alice.sharedSecret(new Uint8Array(32)) === undefined
  );
}

/** RFC 8439 §2.8.2, sealed, opened, and refused once a bit of the tag is turned. */
function agreesOnAead(provider: CryptoProvider): boolean {
  const key = hex('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f');
  const nonce = hex('070000004041424344454647');
  const additionalData = hex('50515253c0c1c2c3c4c5c6c7');
  const plaintext = encodeUtf8(
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
  );
  const expected = hex(
    'd31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b' +
      '1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc' +
      '3ff4def08e4b7a9de576d26586cec64b6116' +
      '1ae10b594f09e26a7e902ecbd0600691',
  );
  const sealed = new Uint8Array(plaintext.length + 16);
  const opened = new Uint8Array(plaintext.length);
  provider.seal(key, nonce, plaintext, additionalData, sealed);
  if (!isEqual(sealed, expected)) return false;
  if (!provider.open(key, nonce, sealed, additionalData, opened) || !isEqual(opened, plaintext)) return false;
  sealed[sealed.length - 1]! ^= 1;
  return !provider.open(key, nonce, sealed, additionalData, opened);
}

/**
 * BLAKE2s-256 of "abc" (RFC 7693 appendix B), BLAKE2s-256 of nothing under the key 00…1f (the first keyed vector of the BLAKE2
 * reference), and that the forms built on them say the same as their definitions.
 */
function agreesOnBlake2s(provider: MacProvider): boolean {
  const key = Uint8Array.from({ length: 32 }, (_, i) => i);
  const message = encodeUtf8('abc');
  const mac = provider.blake2sMac(key);
  const sealed = concatBytes(message, nobleCrypto.blake2s(message, 16, key));
  const forged = concatBytes(message, new Uint8Array(16));
  return (
    isEqual(provider.blake2s(message, 32), hex('508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982')) &&
    isEqual(
      provider.blake2s(new Uint8Array(0), 32, key),
      hex('48a8997da407876b3d79c0d92325ad3b89cbb754d86ab71aee047ad345fd2c49'),
    ) &&
    isEqual(provider.hmacBlake2s(key, message), nobleCrypto.hmacBlake2s(key, message)) &&
    mac.verify(sealed, 0, message.length, message.length) &&
    !mac.verify(forged, 0, message.length, message.length)
  );
}

function isEqual(actual: Uint8Array | undefined, expected: Uint8Array): boolean {
  return actual !== undefined && bytesEqual(actual, expected);
}

function hex(text: string): Uint8Array {
  return decodeHex(text)!;
}
