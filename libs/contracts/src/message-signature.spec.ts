import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { encodeUtf8 } from '@shadownet/primitives';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  readRequestSignature,
  type SignatureCrypto,
  type SignatureHeaders,
  type SignedRequest,
  signEvent,
  signRequest,
  signResponse,
  verifyEvent,
  verifyRequest,
  verifyResponse,
} from './message-signature.js';

const crypto: SignatureCrypto = {
  sha256: (input) => Uint8Array.from(createHash('sha256').update(input).digest()),
  hmacSha256: (key, input) => Uint8Array.from(createHmac('sha256', key).update(input).digest()),
  equal: (a, b) => a.length === b.length && timingSafeEqual(a, b),
};

const key = new Uint8Array(32).fill(7);
const otherKey = new Uint8Array(32).fill(8);
const request: SignedRequest = {
  method: 'POST',
  path: '/api/v1/register',
  query: '?',
  body: encodeUtf8('{"hello":"world"}'),
};
const parameters = {
  created: 1_763_600_000,
  keyId: 'HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=',
  nonce: 'AAECAwQFBgcICQoLDA0ODw==',
};
const headers = signRequest(crypto, key, request, parameters);

describe('a signed request', () => {
  it('verifies and yields its parameters', () => {
    expect(verifyRequest(crypto, key, request, headers)).toEqual({ ok: true, parameters });
  });

  it('has the signature base of RFC 9421 §2.5, written out here by hand', () => {
    const digest = 'k6I5cakU5erL8KjSUVTNownDwccvu5kU1Hxg88toFYg=';
    expect(createHash('sha256').update('{"hello":"world"}').digest('base64')).toBe(digest);
    const signatureParameters =
      '("@method" "@path" "@query" "content-digest");created=1763600000' +
      ';keyid="HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=";alg="hmac-sha256";nonce="AAECAwQFBgcICQoLDA0ODw=="';
    const base = [
      '"@method": POST',
      '"@path": /api/v1/register',
      '"@query": ?',
      `"content-digest": sha-256=:${digest}:`,
      `"@signature-params": ${signatureParameters}`,
    ].join('\n');
    expect(headers).toEqual({
      'content-digest': `sha-256=:${digest}:`,
      'signature-input': `shadownet=${signatureParameters}`,
      signature: `shadownet=:${createHmac('sha256', key).update(base).digest('base64')}:`,
    });
  });

  it.each<[string, Partial<SignedRequest>, string]>([
    ['method', { method: 'GET' }, 'signature-mismatch'],
    ['path', { path: '/api/v1/heartbeat' }, 'signature-mismatch'],
    ['query', { query: '?id=1' }, 'signature-mismatch'],
    ['body', { body: encodeUtf8('{"hello":"World"}') }, 'digest-mismatch'],
  ])('does not verify with another %s', (_, change, reason) => {
    expect(verifyRequest(crypto, key, { ...request, ...change }, headers)).toEqual({ ok: false, reason });
  });

  it('does not verify with another body whose digest was put in its place', () => {
    const forged = signRequest(crypto, otherKey, { ...request, body: encodeUtf8('{}') }, parameters);
    const mixed = { ...headers, 'content-digest': forged['content-digest'] };
    expect(verifyRequest(crypto, key, { ...request, body: encodeUtf8('{}') }, mixed)).toMatchObject({
      ok: false,
      reason: 'signature-mismatch',
    });
  });

  it('does not verify under another key', () => {
    expect(verifyRequest(crypto, otherKey, request, headers)).toMatchObject({ reason: 'signature-mismatch' });
  });

  it.each([
    ['created', 'created=1763600000', 'created=1763600001'],
    ['key id', 'keyid="H', 'keyid="I'],
    ['nonce', 'nonce="A', 'nonce="B'],
  ])('does not verify with another %s', (_, from, to) => {
    const altered = { ...headers, 'signature-input': headers['signature-input'].replace(from, to) };
    expect(altered).not.toEqual(headers);
    expect(verifyRequest(crypto, key, request, altered)).toMatchObject({ reason: 'signature-mismatch' });
  });

  it.each<[string, Partial<SignatureHeaders>]>([
    ['fewer components', { 'signature-input': headers['signature-input'].replace(' "@query"', '') }],
    [
      'another order',
      { 'signature-input': headers['signature-input'].replace('"@method" "@path"', '"@path" "@method"') },
    ],
    ['another label', { 'signature-input': headers['signature-input'].replace('shadownet=', 'sig1=') }],
    ['a second signature', { 'signature-input': `${headers['signature-input']}, sig1=()` }],
    ['another algorithm', { 'signature-input': headers['signature-input'].replace('hmac-sha256', 'none') }],
    ['no nonce', { 'signature-input': headers['signature-input'].replace(/;nonce=.*/, '') }],
    ['created as a string', { 'signature-input': headers['signature-input'].replace(/created=(\d+)/, 'created="$1"') }],
  ])('is malformed with %s', (_, change) => {
    expect(verifyRequest(crypto, key, request, { ...headers, ...change })).toEqual({
      ok: false,
      reason: 'signature-malformed',
    });
  });

  it.each(['content-digest', 'signature-input', 'signature'] as const)('is unsigned without %s', (name) => {
    const rest = Object.fromEntries(Object.entries(headers).filter(([header]) => header !== name));
    expect(readRequestSignature(rest)).toEqual({ ok: false, reason: 'signature-missing' });
  });

  it('never verifies with any single character of its signature changed', () => {
    const text = headers.signature;
    for (let i = 0; i < text.length; i++) {
      const altered = text.slice(0, i) + (text[i] === 'A' ? 'B' : 'A') + text.slice(i + 1);
      expect(verifyRequest(crypto, key, request, { ...headers, signature: altered }).ok, `at ${i}`).toBe(false);
    }
  });

  it('takes any text in its headers without throwing', () => {
    const anything = fc.record({
      'content-digest': fc.oneof(fc.string(), fc.constant(headers['content-digest'])),
      'signature-input': fc.oneof(fc.string(), fc.constant(headers['signature-input'])),
      signature: fc.string(),
    });
    fc.assert(fc.property(anything, (forged) => !verifyRequest(crypto, key, request, forged).ok));
  });
});

describe('a signed response', () => {
  const response = { status: 200, body: encodeUtf8('{"success":true}'), requestSignature: headers.signature };
  const signed = signResponse(crypto, key, response, parameters);

  it('verifies and yields its parameters', () => {
    expect(verifyResponse(crypto, key, response, signed)).toEqual({ ok: true, parameters });
  });

  it('has the request’s signature among its components, as in RFC 9421 §2.4', () => {
    const mac = headers.signature.slice('shadownet='.length);
    const input = signed['signature-input'].slice('shadownet='.length);
    expect(input).toMatch(/^\("@status" "content-digest" "signature";req;key="shadownet"\);created=/);
    const base = [
      '"@status": 200',
      `"content-digest": ${signed['content-digest']}`,
      `"signature";req;key="shadownet": ${mac}`,
      `"@signature-params": ${input}`,
    ].join('\n');
    expect(signed.signature).toBe(`shadownet=:${createHmac('sha256', key).update(base).digest('base64')}:`);
  });

  it('does not verify with another status, body, request or key', () => {
    const other = signRequest(crypto, key, request, { ...parameters, nonce: 'EBAQEBAQEBAQEBAQEBAQEA==' });
    expect(verifyResponse(crypto, key, { ...response, status: 201 }, signed).ok).toBe(false);
    expect(verifyResponse(crypto, key, { ...response, body: encodeUtf8('{}') }, signed).ok).toBe(false);
    expect(verifyResponse(crypto, key, { ...response, requestSignature: other.signature }, signed).ok).toBe(false);
    expect(verifyResponse(crypto, otherKey, response, signed).ok).toBe(false);
  });

  it('is never a request reflected, even under one and the same key', () => {
    expect(verifyResponse(crypto, key, { ...response, body: request.body }, headers)).toEqual({
      ok: false,
      reason: 'signature-malformed',
    });
  });
});

describe('a signed event', () => {
  const nonce = parameters.nonce;
  const event = { sequence: 3, type: 'delta', payload: '{"a":1}' };
  const envelope = signEvent(crypto, key, nonce, event);

  it('verifies at its place in its stream', () => {
    expect(verifyEvent(crypto, key, nonce, 3, envelope)).toBe(true);
  });

  it('does not verify at another place, in another stream, or altered', () => {
    expect(verifyEvent(crypto, key, nonce, 4, envelope)).toBe(false);
    expect(verifyEvent(crypto, key, nonce, 4, { ...envelope, sequence: 4 })).toBe(false);
    expect(verifyEvent(crypto, key, 'EBAQEBAQEBAQEBAQEBAQEA==', 3, envelope)).toBe(false);
    expect(verifyEvent(crypto, key, nonce, 3, { ...envelope, type: 'map' })).toBe(false);
    expect(verifyEvent(crypto, key, nonce, 3, { ...envelope, payload: '{"a":2}' })).toBe(false);
    expect(verifyEvent(crypto, key, nonce, 3, { ...envelope, signature: 'not base64' })).toBe(false);
    expect(verifyEvent(crypto, otherKey, nonce, 3, envelope)).toBe(false);
  });

  it('has a signature of its own for every way to split the same characters between type and payload', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.nat(8), (type, payload, shift) => {
        const text = type + payload;
        const other = { sequence: 3, type: text.slice(0, shift), payload: text.slice(shift) };
        fc.pre(other.type !== type);
        const forged = { ...other, signature: signEvent(crypto, key, nonce, { sequence: 3, type, payload }).signature };
        return !verifyEvent(crypto, key, nonce, 3, forged);
      }),
    );
  });
});
