import { hkdfSync } from 'node:crypto';
import { encodeHex, encodeUtf8, type PublicKey, publicKeyFromBytes } from '@shadownet/primitives';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deriveLabelledKey, type KeyLabel } from './labelled-key.js';
import { nobleCrypto } from './noble-provider.js';
import { nodeCrypto } from './node-provider.js';

const LABELS: readonly KeyLabel[] = [
  'shadownet api request v1',
  'shadownet api response v1',
  'shadownet stream event v1',
  'shadownet probe request v1',
  'shadownet probe response v1',
  'shadownet probe id v1',
];

const alice = nodeCrypto.privateKey(new Uint8Array(32).fill(1));
const bob = nodeCrypto.privateKey(new Uint8Array(32).fill(2));
const alicePublic = publicKeyFromBytes(alice.publicKey)!;
const bobPublic = publicKeyFromBytes(bob.publicKey)!;
const secret = alice.sharedSecret(bob.publicKey)!;

describe('labelled keys', () => {
  it('are HKDF-SHA256 as an independent implementation computes it', () => {
    const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const context = fc.uint8Array({ maxLength: 40 });
    fc.assert(
      fc.property(fc.constantFrom(...LABELS), bytes32, bytes32, bytes32, context, (label, shared, a, b, context) => {
        const [from, to] = [publicKeyFromBytes(a), publicKeyFromBytes(b)];
        fc.pre(from !== undefined && to !== undefined);
        const info = Buffer.concat([encodeUtf8(label), Uint8Array.of(0), from, to, context]);
        const expected = new Uint8Array(hkdfSync('sha256', shared, new Uint8Array(0), info, 32));
        expect(deriveLabelledKey(nobleCrypto, shared, label, from, to, context)).toEqual(expected);
        expect(deriveLabelledKey(nodeCrypto, shared, label, from, to, context)).toEqual(expected);
      }),
    );
  });

  it('are the same at both ends, which name the same roles', () => {
    const atBob = bob.sharedSecret(alice.publicKey)!;
    for (const label of LABELS) {
      expect(deriveLabelledKey(nodeCrypto, atBob, label, alicePublic, bobPublic)).toEqual(
        deriveLabelledKey(nodeCrypto, secret, label, alicePublic, bobPublic),
      );
    }
  });

  it('never verify a message that is reflected or moved to another purpose', () => {
    const keys = LABELS.flatMap((label) => [
      keyOf(label, alicePublic, bobPublic),
      keyOf(label, bobPublic, alicePublic),
    ]);
    expect(new Set(keys).size).toBe(2 * LABELS.length);
  });

  it('differ by context', () => {
    const contexts = [new Uint8Array(0), Uint8Array.of(0), Uint8Array.of(0, 0), Uint8Array.of(1)];
    const keys = contexts.map((context) => keyOf('shadownet probe id v1', alicePublic, bobPublic, context));
    expect(new Set(keys).size).toBe(contexts.length);
  });

  it('leave the shared secret to the caller as it was', () => {
    const own = Uint8Array.from(secret);
    deriveLabelledKey(nodeCrypto, own, 'shadownet probe id v1', alicePublic, bobPublic);
    expect(own).toEqual(secret);
  });
});

function keyOf(label: KeyLabel, from: PublicKey, to: PublicKey, context?: Uint8Array): string {
  return encodeHex(deriveLabelledKey(nodeCrypto, secret, label, from, to, context));
}
