import { createHmac } from 'node:crypto';
import { nodeCrypto } from '@shadownet/crypto';
import { parseEndpoint, publicKeyFromBytes, relayPath, udpPath } from '@shadownet/primitives';
import { decodeStunMessage, encodeStunMessage, mappedEndpoint, type StunContentAttribute } from '@shadownet/stun';
import { describe, expect, it } from 'vitest';
import { deriveProbeKeys } from './probe-keys.js';
import { encodeCallMessage, encodeProbeRequest, encodeProbeResponse, openProbe, probeIdOf } from './probe-message.js';

const alice = nodeCrypto.privateKey(new Uint8Array(32).fill(1));
const bob = nodeCrypto.privateKey(new Uint8Array(32).fill(2));
const publicOf = (key: typeof alice) => publicKeyFromBytes(key.publicKey)!;
const aliceKeys = deriveProbeKeys(nodeCrypto, alice, publicOf(bob))!;
const bobKeys = deriveProbeKeys(nodeCrypto, bob, publicOf(alice))!;
const transactionId = new Uint8Array(12).fill(9);
const v4 = udpPath(parseEndpoint('203.0.113.1:51820')!);
const v6 = udpPath(parseEndpoint('[2001:db8::1]:51820')!);
const report = { packets: 70_000, largestBytes: 1312 };

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
    const response = encodeProbeResponse(nodeCrypto, bobKeys, transactionId, v6, report);
    expect(open(aliceKeys, response)).toEqual({ ok: true, kind: 'response', report });
    const decoded = decodeStunMessage(response);
    expect(decoded.ok && mappedEndpoint(decoded.message)).toEqual(v6.remote);
    expect(decoded.ok && probeIdOf(decoded.message)).toEqual(aliceKeys.incomingId);
  });

  it('has a response never longer than its request', () => {
    const request = encodeProbeRequest(nodeCrypto, aliceKeys, transactionId, 1n);
    expect(request).toHaveLength(120);
    const relayed = relayPath('eu-1', publicOf(alice));
    const lengths = [relayed, v4, v6].map(
      (path) => encodeProbeResponse(nodeCrypto, bobKeys, transactionId, path, report).length,
    );
    expect(lengths).toEqual([96, 108, 120]);
  });

  it('are as long as told, in steps of 4 bytes', () => {
    const lengths = [0, 121, 124, 1312, 1472].map(
      (length) => encodeProbeRequest(nodeCrypto, aliceKeys, transactionId, 1n, length).length,
    );
    expect(lengths).toEqual([120, 120, 124, 1312, 1472]);
  });

  it('carry a call, which opens only at the other end', () => {
    const call = encodeCallMessage(nodeCrypto, aliceKeys, transactionId, 5n, Uint8Array.of(1, 2));
    expect(open(bobKeys, call)).toEqual({ ok: true, kind: 'call', counter: 5n, value: Uint8Array.of(1, 2) });
    expect(open(aliceKeys, call)).toEqual({ ok: false, reason: 'wrong-id' });
    call[call.length - 50]! ^= 1;
    const decoded = decodeStunMessage(call);
    expect(decoded.ok && open(bobKeys, call).ok).toBe(false);
  });

  it('does not open at its sender', () => {
    const request = encodeProbeRequest(nodeCrypto, aliceKeys, transactionId, 1n);
    expect(open(aliceKeys, request)).toEqual({ ok: false, reason: 'wrong-id' });
    const response = encodeProbeResponse(nodeCrypto, aliceKeys, transactionId, v4, report);
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
