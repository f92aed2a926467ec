import { randomBytes } from 'node:crypto';
import { type CryptoProvider, nodeCrypto, type PrivateKey } from '@shadownet/crypto';
import { encodePublicKey, publicKeyFromBytes } from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';
import { ServerIdentity } from '../identity/server-identity.js';
import { KeyRing, MAX_REMEMBERED } from './key-ring.js';

function countingIdentity(crypto: CryptoProvider): { identity: ServerIdentity; agreements: () => number } {
  const pair = crypto.privateKey(randomBytes(32));
  let count = 0;
  const counting: PrivateKey = {
    publicKey: pair.publicKey,
    sharedSecret: (peer) => {
      count++;
      return pair.sharedSecret(peer);
    },
    zero: () => pair.zero(),
  };
  return { identity: new ServerIdentity(counting), agreements: () => count };
}

const randomKey = () => publicKeyFromBytes(randomBytes(32))!;

describe('the key ring', () => {
  it('agrees on keys with a node once, however often it speaks', () => {
    const { identity, agreements } = countingIdentity(nodeCrypto);
    const ring = new KeyRing(nodeCrypto, identity);
    const node = randomKey();
    const keys = ring.keysOf(node)!;
    ring.remember(encodePublicKey(node), keys);
    expect(ring.keysOf(node)).toBe(keys);
    expect(agreements()).toBe(1);
  });

  it('has another key for each purpose', () => {
    const ring = new KeyRing(nodeCrypto, countingIdentity(nodeCrypto).identity);
    const { request, response, event } = ring.keysOf(randomKey())!;
    expect(new Set([request, response, event].map((key) => Buffer.from(key).toString('hex'))).size).toBe(3);
  });

  it('forgets whoever was silent for longest, and is not filled by keys that only were asked for', () => {
    const { identity, agreements } = countingIdentity(nodeCrypto);
    const ring = new KeyRing(nodeCrypto, identity);
    const [first, second] = [randomKey(), randomKey()];
    const keys = ring.keysOf(first)!;
    ring.remember(encodePublicKey(first), keys);
    ring.remember(encodePublicKey(second), ring.keysOf(second)!);
    for (let i = 0; i < MAX_REMEMBERED - 2; i++) ring.remember(encodePublicKey(randomKey()), keys);
    ring.remember(encodePublicKey(first), keys);
    const before = agreements();
    for (let i = 0; i < 100; i++) ring.keysOf(randomKey());
    expect(ring.keysOf(first)).toBe(keys);
    ring.remember(encodePublicKey(randomKey()), keys);
    ring.keysOf(second);
    expect(agreements()).toBe(before + 101);
  });
});
