import { createHmac } from 'node:crypto';
import { nodeCrypto } from '@shadownet/crypto';
import { parseEndpoint, publicKeyFromBytes } from '@shadownet/primitives';
import { decodeStunMessage, encodeStunMessage, mappedEndpoint, type StunContentAttribute } from '@shadownet/stun';
import { describe, expect, it } from 'vitest';
import { deriveProbeKeys } from './probe-keys.js';
import { encodeProbeRequest, encodeProbeResponse, openProbe, probeIdOf } from './probe-message.js';

const alice = nodeCrypto.privateKey(new Uint8Array(32).fill(1));
const bob = nodeCrypto.privateKey(new Uint8Array(32).fill(2));
const publicOf = (key: typeof alice) => publicKeyFromBytes(key.publicKey)!;
const aliceKeys = deriveProbeKeys(nodeCrypto, alice, publicOf(bob))!;
const bobKeys = deriveProbeKeys(nodeCrypto, bob, publicOf(alice))!;
const transactionId = new Uint8Array(12).fill(9);
const v4 = parseEndpoint('203.0.113.1:51820')!;
const v6 = parseEndpoint('[2001:db8::1]:51820')!;

function open(keys: typeof aliceKeys, datagram: Uint8Array) {
  const decoded = decodeStunMessage(datagram);
  if (!decoded.ok) throw new Error(decoded.reason);
  return openProbe(nodeCrypto, keys, decoded.message, datagram);
}

describe('probe keys', () => {
  it('are the same at both ends, and different by direction and purpose', () => {
    expect(aliceKeys.outgoingId).toEqual(bobKeys.incomingId);
    expect(aliceKeys.incomingId).toEqual(bobKeys.outgoingId);
    expect(aliceKeys.outgoingRequest.expose()).toEqual(bobKeys.incomingRequest.expose());
    expect(aliceKeys.incomingResponse.expose()).toEqual(bobKeys.outgoingResponse.expose());
    const { outgoingRequest, incomingRequest, outgoingResponse, incomingResponse } = aliceKeys;
    const all = [outgoingRequest, incomingRequest, outgoingResponse, incomingResponse].map((key) =>
      key.expose().toString(),
    );
    expect(new Set(all).size).toBe(4);
    expect(aliceKeys.outgoingId).not.toEqual(aliceKeys.incomingId);
    expect(aliceKeys.outgoingId).toHaveLength(16);
  });

  it('do not exist towards oneself', () => {
    expect(deriveProbeKeys(nodeCrypto, alice, publicOf(alice))).toBeUndefined();
  });
});

describe('probe messages', () => {
  it('open at the other end: a request with its counter, a response with the address', () => {
    const request = encodeProbeRequest(nodeCrypto, aliceKeys, transactionId, 2n ** 63n + 1n);
    expect(open(bobKeys, request)).toEqual({ ok: true, kind: 'request', counter: 2n ** 63n + 1n });
    const response = encodeProbeResponse(nodeCrypto, bobKeys, transactionId, v6);
    expect(open(aliceKeys, response)).toEqual({ ok: true, kind: 'response' });
    const decoded = decodeStunMessage(response);
    expect(decoded.ok && mappedEndpoint(decoded.message)).toEqual(v6);
    expect(decoded.ok && probeIdOf(decoded.message)).toEqual(aliceKeys.incomingId);
  });

  it('has a response never longer than its request', () => {
    const request = encodeProbeRequest(nodeCrypto, aliceKeys, transactionId, 1n);
    expect(request).toHaveLength(108);
    expect(encodeProbeResponse(nodeCrypto, bobKeys, transactionId, v4)).toHaveLength(96);
    expect(encodeProbeResponse(nodeCrypto, bobKeys, transactionId, v6)).toHaveLength(108);
  });

  it('does not open at its sender', () => {
    const request = encodeProbeRequest(nodeCrypto, aliceKeys, transactionId, 1n);
    expect(open(aliceKeys, request)).toEqual({ ok: false, reason: 'wrong-id' });
    const response = encodeProbeResponse(nodeCrypto, aliceKeys, transactionId, v4);
    expect(open(aliceKeys, response)).toEqual({ ok: false, reason: 'wrong-id' });
  });

  const counter: StunContentAttribute = { kind: 'probe-counter', counter: 1n };
  const forge = (key: Uint8Array, type: 'request' | 'success' | 'error', ...attributes: StunContentAttribute[]) =>
    encodeStunMessage({
      class: type,
      transactionId,
      attributes: [{ kind: 'username', value: bobKeys.incomingId }, ...attributes],
      integrity: { key, hmac: (key, input) => createHmac('sha256', key).update(input).digest() },
      fingerprint: true,
    });
  const requestKey = bobKeys.incomingRequest.expose();
  const responseKey = bobKeys.incomingResponse.expose();

  it.each([
    ['under another key', forge(new Uint8Array(32), 'request', counter), 'bad-integrity'],
    ['under the key of responses', forge(responseKey, 'request', counter), 'bad-integrity'],
    [
      'under the key of the other direction',
      forge(bobKeys.outgoingRequest.expose(), 'request', counter),
      'bad-integrity',
    ],
    ['a response under the key of requests', forge(requestKey, 'success', counter), 'bad-integrity'],
    ['without a counter', forge(requestKey, 'request'), 'missing-counter'],
    ['an error', forge(responseKey, 'error'), 'not-a-probe'],
    [
      'requiring what nobody knows',
      forge(requestKey, 'request', counter, { kind: 'unknown', type: 0x7000, value: new Uint8Array(0) }),
      'not-a-probe',
    ],
  ])('refuses a forged one: %s', (_, datagram, reason) => {
    expect(open(bobKeys, datagram)).toEqual({ ok: false, reason });
  });

  it('does not count a counter that follows the integrity attribute', () => {
    const request = forge(requestKey, 'request');
    const behind = Uint8Array.from([...request.subarray(0, -8), 0xe5, 0x1d, 0, 8, 0, 0, 0, 0, 0, 0, 0, 1]);
    behind[3] = behind.length - 20;
    expect(open(bobKeys, behind)).toEqual({ ok: false, reason: 'missing-counter' });
  });
});
