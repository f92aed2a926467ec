import { endpoint, formatEndpoint, instant, parseEndpoint, parseIpAddress } from '@shadownet/primitives';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BindingServer, MAX_ANSWER_BYTES } from './binding-server.js';
import { decodeStunMessage } from './decoder.js';
import { encodeStunMessage, type StunMessageContent } from './encoder.js';
import { findAttribute, mappedEndpoint, type StunMessage } from './stun-message.js';

const client = parseEndpoint('198.51.100.7:40000')!;
const transactionId = Uint8Array.from({ length: 12 }, (_, i) => i);

const request = (content: Partial<StunMessageContent> = {}) =>
  encodeStunMessage({ class: 'request', transactionId, fingerprint: false, ...content });

const server = () => new BindingServer({ software: 'shadownet', maxPerSourcePerSecond: 5 });

function decoded(datagram: Uint8Array | undefined): StunMessage {
  const result = decodeStunMessage(datagram!);
  if (!result.ok) throw new Error(result.reason);
  return result.message;
}

describe('BindingServer', () => {
  it.each(['198.51.100.7:40000', '[2001:db8::7]:40000'])('tells %s its own address', (text) => {
    const attributes = [{ kind: 'probe-padding', length: 40 } as const];
    const answer = decoded(
      server().answer(request({ attributes, fingerprint: true }), parseEndpoint(text)!, instant(0)),
    );
    expect(answer).toMatchObject({ class: 'success', method: 1, transactionId });
    expect(formatEndpoint(mappedEndpoint(answer)!)).toBe(text);
    expect(findAttribute(answer, 'software')?.description).toBe('shadownet');
    expect(findAttribute(answer, 'fingerprint')).toBeDefined();
  });

  it('answers a bare request without a fingerprint', () => {
    expect(findAttribute(decoded(server().answer(request(), client, instant(0))), 'fingerprint')).toBeUndefined();
  });

  it('stays silent on anything but a well-formed Binding request', () => {
    const subject = server();
    const broken = request({ fingerprint: true });
    broken[10]! ^= 1;
    for (const datagram of [
      new Uint8Array(0),
      request().subarray(1),
      broken,
      request({ class: 'indication' }),
      request({ class: 'success' }),
      request({ class: 'error' }),
      request({ method: 3 }),
    ]) {
      expect(subject.answer(datagram, client, instant(0))).toBeUndefined();
    }
    expect(subject.counters).toMatchObject({ answered: 0, refused: 0, ignored: 7, rateLimited: 0 });
  });

  it('never answers random bytes, nor itself', () => {
    const subject = server();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120, size: 'max' }), (bytes) => {
        expect(subject.answer(bytes, client, instant(0))).toBeUndefined();
      }),
    );
    expect(subject.answer(subject.answer(request(), client, instant(0))!, client, instant(0))).toBeUndefined();
  });

  it('refuses unknown required attributes with 420 and names them', () => {
    const attributes = [0x0024, 0x7abc].map((type) => ({ kind: 'unknown', type, value: new Uint8Array(4) }) as const);
    const answer = decoded(server().answer(request({ attributes }), client, instant(0)));
    expect(answer.class).toBe('error');
    expect(findAttribute(answer, 'error-code')?.code).toBe(420);
    expect(findAttribute(answer, 'unknown-attributes')?.types).toEqual([0x0024, 0x7abc]);
  });

  it('refuses CHANGE-REQUEST where it has one socket only', () => {
    const attributes = [{ kind: 'change-request', address: true, port: true } as const];
    const answer = decoded(server().answer(request({ attributes }), client, instant(0)));
    expect(findAttribute(answer, 'error-code')?.code).toBe(420);
    expect(findAttribute(answer, 'unknown-attributes')?.types).toEqual([3]);
  });

  it('names its software only where the answer stays as short as its request', () => {
    const bare = decoded(server().answer(request(), client, instant(0)));
    expect(findAttribute(bare, 'software')).toBeUndefined();
  });

  it('has answers sent nowhere else: RESPONSE-PORT, RESPONSE-ADDRESS and PADDING are unknown to it', () => {
    for (const type of [0x0027, 0x0002, 0x0026]) {
      const attributes = [{ kind: 'unknown', type, value: Uint8Array.of(0x1f, 0x90, 0, 0) } as const];
      const answer = decoded(server().answer(request({ attributes }), client, instant(0)));
      expect(findAttribute(answer, 'error-code')?.code).toBe(420);
      expect(findAttribute(answer, 'unknown-attributes')?.types).toEqual([type]);
    }
  });

  it('never answers with more than 100 bytes', () => {
    const types = fc.oneof(
      fc.constant([]),
      fc.array(fc.integer({ min: 0x2000, max: 0x7fff }), { maxLength: 200, size: 'max' }),
    );
    fc.assert(
      fc.property(types, fc.boolean(), fc.string({ maxLength: 100, size: 'max' }), (types, fingerprint, software) => {
        const attributes = types.map((type) => ({ kind: 'unknown', type, value: new Uint8Array(0) }) as const);
        const subject = new BindingServer({ software, maxPerSourcePerSecond: 1 });
        const from = endpoint(parseIpAddress('2001:db8::1')!, 9);
        const answer = subject.answer(request({ attributes, fingerprint }), from, instant(0))!;
        expect(answer.length).toBeLessThanOrEqual(MAX_ANSWER_BYTES);
      }),
    );
  });

  it('serves one source at its rate and others meanwhile', () => {
    const subject = server();
    let answers = 0;
    for (let ms = 0; ms < 10_000; ms += 10) if (subject.answer(request(), client, instant(ms))) answers += 1;
    expect(answers).toBe(10 + 49); // the burst, and 5 per second of what follows
    expect(subject.counters.rateLimited).toBe(1000 - 59);
    expect(subject.answer(request(), parseEndpoint('198.51.100.8:40000')!, instant(9999))).toBeDefined();
  });
});
