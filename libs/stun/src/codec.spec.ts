// The codec against published vectors, against itself on random messages, and on hostile bytes.

import { createHash, createHmac } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import {
  decodeHex,
  encodeUtf8,
  type Endpoint,
  endpoint,
  formatEndpoint,
  ipAddressFromBytes,
} from '@shadownet/primitives';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeStunMessage } from './decoder.js';
import { encodeStunMessage } from './encoder.js';
import { verifyMessageIntegrity, verifyMessageIntegritySha256 } from './message-integrity.js';
import {
  findAttribute,
  mappedEndpoint,
  type StunClass,
  type StunContentAttribute,
  type StunMessage,
  unknownRequiredTypes,
} from './stun-message.js';
import { isStunMessage } from './wire-format.js';

const hmacSha1 = (key: Uint8Array, input: Uint8Array) => createHmac('sha1', key).update(input).digest();
const hmacSha256 = (key: Uint8Array, input: Uint8Array) => createHmac('sha256', key).update(input).digest();

const VECTORS = new URL('../../../../shared/vectors/stun_rfc5769.json', import.meta.url);
const vectors = existsSync(VECTORS) ? JSON.parse(readFileSync(VECTORS, 'utf8')) : undefined;

function decoded(datagram: Uint8Array): StunMessage {
  const result = decodeStunMessage(datagram);
  if (!result.ok) throw new Error(result.reason);
  return result.message;
}

describe.skipIf(!vectors)('RFC 5769 test vectors (skipped if ../shared/vectors is absent)', () => {
  const datagram = (name: string): Uint8Array => decodeHex(vectors.all[name])!;
  const password = () => encodeUtf8(vectors.short_term_password);

  it('reads the sample request, whose fingerprint and integrity hold', () => {
    const message = decoded(datagram('reqstc'));
    expect(message).toMatchObject({ class: 'request', method: 1 });
    expect(findAttribute(message, 'software')?.description).toBe(vectors.expected.software_request);
    expect(findAttribute(message, 'username')?.value).toEqual(encodeUtf8(vectors.expected.username));
    expect(findAttribute(message, 'fingerprint')).toBeDefined();
    expect(unknownRequiredTypes(message)).toEqual([0x0024]); // ICE's PRIORITY
    expect(verifyMessageIntegrity(datagram('reqstc'), password(), hmacSha1)).toBe(true);
  });

  it.each([
    ['respv4', 'ipv4'],
    ['respv6', 'ipv6'],
  ])('reads the mapped address of the sample response %s', (name, expected) => {
    const message = decoded(datagram(name));
    expect(message).toMatchObject({ class: 'success', method: 1 });
    expect(findAttribute(message, 'software')?.description).toBe(vectors.expected.software_response);
    expect(formatEndpoint(mappedEndpoint(message)!)).toBe(vectors.expected[expected]);
    expect(verifyMessageIntegrity(datagram(name), password(), hmacSha1)).toBe(true);
  });

  it('verifies the sample request with long-term credentials', () => {
    const { username, realm, password } = vectors.expected.long_term;
    const key = createHash('md5').update(`${username}:${realm}:${password}`).digest();
    expect(verifyMessageIntegrity(datagram('reqltc'), key, hmacSha1)).toBe(true);
    expect(verifyMessageIntegrity(datagram('reqltc'), encodeUtf8(password), hmacSha1)).toBe(false);
  });

  it.each(['reqstc', 'respv4', 'respv6'])('rejects %s with any one bit flipped', (name) => {
    const original = datagram(name);
    for (let bit = 0; bit < original.length * 8; bit++) {
      const altered = Uint8Array.from(original);
      altered[bit >> 3]! ^= 1 << (bit & 7);
      const result = decodeStunMessage(altered);
      const intact = result.ok && findAttribute(result.message, 'fingerprint') !== undefined;
      expect(intact && verifyMessageIntegrity(altered, password(), hmacSha1)).toBe(false);
    }
  });
});

const anyBytes = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength, size: 'max' });

const anyEndpoint: fc.Arbitrary<Endpoint> = fc
  .tuple(fc.oneof(anyBytes(4, 4), anyBytes(16, 16)), fc.integer({ min: 1, max: 0xffff }))
  .map(([address, port]) => endpoint(ipAddressFromBytes(address), port));

const endpointKind = fc.constantFrom('mapped-address', 'xor-mapped-address', 'response-origin', 'other-address');

const anyText = fc.string({ unit: 'grapheme', maxLength: 40 });

const anyAttribute: fc.Arbitrary<StunContentAttribute> = fc.oneof(
  fc.record({ kind: endpointKind, endpoint: anyEndpoint }),
  fc.record({ kind: fc.constant('username' as const), value: anyBytes(0, 508) }),
  fc.record({
    kind: fc.constant('error-code' as const),
    code: fc.integer({ min: 300, max: 699 }),
    phrase: anyText,
  }),
  fc.record({
    kind: fc.constant('unknown-attributes' as const),
    types: fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 9 }),
  }),
  fc.record({ kind: fc.constant('software' as const), description: anyText }),
  fc.record({ kind: fc.constant('change-request' as const), address: fc.boolean(), port: fc.boolean() }),
  fc.record({ kind: fc.constant('probe-counter' as const), counter: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) }),
  fc.record({ kind: fc.constant('probe-padding' as const), length: fc.integer({ min: 0, max: 30 }) }),
  fc.record({
    kind: fc.constant('path-report' as const),
    packets: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    largestBytes: fc.integer({ min: 0, max: 0xffff }),
  }),
  fc.record({ kind: fc.constant('call' as const), value: fc.uint8Array({ maxLength: 50 }) }),
  fc.record({
    kind: fc.constant('unknown' as const),
    type: fc.constantFrom(0x0014, 0x0024, 0x7fff, 0x8000, 0xffff),
    value: anyBytes(0, 30),
  }),
);

const anyContent = fc.record({
  class: fc.constantFrom<StunClass>('request', 'indication', 'success', 'error'),
  method: fc.integer({ min: 0, max: 0xfff }),
  transactionId: anyBytes(12, 12),
  attributes: fc.array(anyAttribute, { maxLength: 6, size: 'max' }),
  fingerprint: fc.boolean(),
});

const anyKey = anyBytes(32, 32);

describe('encoding and decoding', () => {
  it('gives back every message that it encodes', () => {
    fc.assert(
      fc.property(anyContent, (content) => {
        const datagram = encodeStunMessage(content);
        expect(isStunMessage(datagram)).toBe(true);
        const { attributes, ...header } = decoded(datagram);
        expect(header).toEqual({
          class: content.class,
          method: content.method,
          transactionId: content.transactionId,
        });
        expect(attributes.filter(({ kind }) => kind !== 'fingerprint')).toEqual(content.attributes);
        expect(attributes.at(-1)?.kind === 'fingerprint').toBe(content.fingerprint);
      }),
    );
  });

  it('verifies its SHA-256 integrity under the same key and no other, with or without a fingerprint', () => {
    fc.assert(
      fc.property(anyContent, anyKey, anyKey, (content, key, otherKey) => {
        const datagram = encodeStunMessage({ ...content, integrity: { key, hmac: hmacSha256 } });
        decoded(datagram);
        expect(verifyMessageIntegritySha256(datagram, key, hmacSha256)).toBe(true);
        fc.pre(!Buffer.from(key).equals(otherKey));
        expect(verifyMessageIntegritySha256(datagram, otherKey, hmacSha256)).toBe(false);
      }),
    );
  });

  it('rejects a message with integrity if any bit before the fingerprint is flipped', () => {
    const key = new Uint8Array(32).fill(7);
    fc.assert(
      fc.property(anyContent, fc.nat(), (content, position) => {
        const datagram = encodeStunMessage({ ...content, fingerprint: false, integrity: { key, hmac: hmacSha256 } });
        const bit = position % (datagram.length * 8);
        datagram[bit >> 3]! ^= 1 << (bit & 7);
        expect(verifyMessageIntegritySha256(datagram, key, hmacSha256)).toBe(false);
      }),
    );
  });

  it('refuses to encode what no message can hold', () => {
    const transactionId = new Uint8Array(12);
    const encode = (attribute: StunContentAttribute) => () =>
      encodeStunMessage({ class: 'request', transactionId, attributes: [attribute], fingerprint: false });
    const code = 'unencodable-attribute';
    expect(encode({ kind: 'username', value: new Uint8Array(509) })).toThrow(expect.objectContaining({ code }));
    expect(encode({ kind: 'error-code', code: 700, phrase: '' })).toThrow(expect.objectContaining({ code }));
    expect(encode({ kind: 'unknown', type: 0x9000, value: new Uint8Array(0xffff) })).toThrow(
      expect.objectContaining({ code }),
    );
    expect(() =>
      encodeStunMessage({ class: 'request', transactionId: new Uint8Array(16), fingerprint: false }),
    ).toThrow(expect.objectContaining({ code: 'bad-transaction-id' }));
  });
});

/** A Binding request of the given attributes, each as type and value. */
function requestOf(...attributes: readonly [type: number, value: Uint8Array][]): Uint8Array {
  return encodeStunMessage({
    class: 'request',
    transactionId: new Uint8Array(12).fill(9),
    attributes: attributes.map(([type, value]) => ({ kind: 'unknown', type, value })),
    fingerprint: false,
  });
}

describe('the strict decoder', () => {
  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(anyBytes(0, 200), (bytes) => {
        decodeStunMessage(bytes);
        verifyMessageIntegritySha256(bytes, Uint8Array.of(1), hmacSha256);
      }),
    );
  });

  it('never throws on a STUN header before random attributes, and reads no attribute past the end', () => {
    const knownType = fc.constantFrom(1, 3, 6, 8, 9, 10, 0x1c, 0x20, 0x8022, 0x8028, 0x802b, 0x802c, 0xe51d, 0xe51e);
    const tlv = fc.tuple(fc.oneof(knownType, fc.nat(0xffff)), fc.nat(40), anyBytes(0, 40));
    fc.assert(
      fc.property(fc.array(tlv, { maxLength: 5, size: 'max' }), (tlvs) => {
        const body = tlvs.flatMap(([type, length, value]) => [type >> 8, type & 0xff, 0, length, ...value]);
        while (body.length % 4 !== 0) body.push(0);
        const header = [0, 1, body.length >> 8, body.length & 0xff, 0x21, 0x12, 0xa4, 0x42, ...new Array(12).fill(5)];
        const datagram = Uint8Array.from([...header, ...body]);
        expect(isStunMessage(datagram)).toBe(true);
        const result = decodeStunMessage(datagram);
        verifyMessageIntegritySha256(datagram, Uint8Array.of(1), hmacSha256);
        verifyMessageIntegrity(datagram, Uint8Array.of(1), hmacSha1);
        if (!result.ok) expect(result.reason).not.toBe('not-stun');
      }),
    );
  });

  it('refuses a header with a wrong cookie, a wrong length or set top bits', () => {
    for (const [offset, value] of [
      [0, 0x40],
      [3, 4],
      [4, 0x22],
    ] as const) {
      const datagram = requestOf();
      datagram[offset] = value;
      expect(decodeStunMessage(datagram)).toEqual({ ok: false, reason: 'not-stun' });
    }
    expect(isStunMessage(requestOf().subarray(0, 19))).toBe(false);
  });

  it('refuses an attribute that runs over the end', () => {
    const datagram = requestOf([0x9000, new Uint8Array(4)]);
    datagram[23] = 5;
    expect(decodeStunMessage(datagram)).toEqual({ ok: false, reason: 'truncated-attribute' });
  });

  it('ignores what padding holds', () => {
    const datagram = requestOf([0x8022, encodeUtf8('abc')]);
    datagram[27] = 0x20;
    expect(findAttribute(decoded(datagram), 'software')?.description).toBe('abc');
  });

  it.each([
    ['an address of family 3', 0x0020, [0, 3, 1, 1, 1, 1, 1, 1]],
    ['an IPv4 address of 5 bytes', 0x0001, [0, 1, 1, 1, 1, 1, 1, 1, 1]],
    ['port 0', 0x0001, [0, 1, 0, 0, 1, 1, 1, 1]],
    ['an error code of 700', 0x0009, [0, 0, 7, 0]],
    ['an error code of 399 + 1', 0x0009, [0, 0, 3, 100]],
    ['an odd list of unknown attributes', 0x000a, [0, 1, 0]],
    ['an HMAC-SHA1 of 19 bytes', 0x0008, new Array(19).fill(0)],
    ['an HMAC-SHA256 of 12 bytes', 0x001c, new Array(12).fill(0)],
    ['software that is not UTF-8', 0x8022, [0xff, 0xfe]],
    ['a user name of 509 bytes', 0x0006, new Array(509).fill(0x61)],
    ['a probe counter of 4 bytes', 0xe51d, [0, 0, 0, 1]],
  ])('refuses %s', (_, type, value) => {
    expect(decodeStunMessage(requestOf([type, Uint8Array.from(value)]))).toEqual({
      ok: false,
      reason: 'malformed-attribute',
    });
  });

  it('refuses a wrong fingerprint, and one that is not last', () => {
    const wrong = requestOf([0x8028, new Uint8Array(4)]);
    expect(decodeStunMessage(wrong)).toEqual({ ok: false, reason: 'fingerprint-mismatch' });
    const notLast = requestOf([0x8028, new Uint8Array(4)], [0x9000, new Uint8Array(0)]);
    expect(decodeStunMessage(notLast)).toEqual({ ok: false, reason: 'attribute-after-fingerprint' });
  });

  it('leaves out attributes that follow an integrity attribute, required or malformed ones too', () => {
    const sha1: [number, Uint8Array] = [0x0008, new Uint8Array(20)];
    const sha256: [number, Uint8Array] = [0x001c, new Uint8Array(32)];
    const kinds = (datagram: Uint8Array) => decoded(datagram).attributes.map(({ kind }) => kind);
    const malformed: [number, Uint8Array] = [0x0020, new Uint8Array(1)];
    expect(kinds(requestOf(sha1, malformed, sha256, [0x0014, new Uint8Array(0)], sha1))).toEqual([
      'message-integrity',
      'message-integrity-sha256',
    ]);
  });

  it('does not take an HMAC-SHA1 behind an HMAC-SHA256, nor a truncated HMAC-SHA256', () => {
    const key = Uint8Array.of(1);
    const prefix = requestOf();
    const input = Uint8Array.from(prefix);
    input[3] = 20;
    const truncated = requestOf([0x001c, hmacSha256(key, input).subarray(0, 16)]);
    expect(verifyMessageIntegritySha256(truncated, key, hmacSha256)).toBe(false);

    const unverified = requestOf([0x001c, new Uint8Array(32)]);
    const sha1Input = Uint8Array.from(unverified);
    sha1Input[3] = 36 + 24;
    const shadowed = requestOf([0x001c, new Uint8Array(32)], [0x0008, hmacSha1(key, sha1Input)]);
    expect(verifyMessageIntegrity(shadowed, key, hmacSha1)).toBe(false);
  });

  it('reports required attributes that it does not know once each, and no optional ones', () => {
    const none = new Uint8Array(0);
    const message = decoded(requestOf([0x0014, none], [0x9000, none], [0x0024, none], [0x0014, none]));
    expect(unknownRequiredTypes(message)).toEqual([0x0014, 0x0024]);
  });
});
