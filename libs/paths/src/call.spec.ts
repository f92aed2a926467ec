import { instant, parseEndpoint, TokenBucket } from '@shadownet/primitives';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Call, decodeCall, encodeCall } from './call.js';
import { CALL_LIMITS } from './path-constants.js';
import type { Candidate } from './candidate.js';

const at = (text: string) => parseEndpoint(text)!;
const CALL: Call = {
  candidates: [
    { kind: 'host', endpoint: at('192.168.1.2:51820') },
    { kind: 'server-reflexive', endpoint: at('203.0.113.9:1') },
    { kind: 'port-mapped', endpoint: at('203.0.113.9:65535') },
    { kind: 'host', endpoint: at('[2001:db8::1]:51820') },
  ],
  nat: { mapping: 'endpoint-dependent', allocation: { kind: 'sequential', step: -2 } },
};

describe('a call', () => {
  it('reads back, in 4 bytes and 8 or 20 for each candidate', () => {
    const bytes = encodeCall(CALL);
    expect(bytes).toHaveLength(4 + 3 * 8 + 20);
    expect(decodeCall(bytes)).toEqual(CALL);
    const plain: Call = { candidates: [], nat: { mapping: 'unknown', allocation: { kind: 'unknown' } } };
    expect(decodeCall(encodeCall(plain))).toEqual(plain);
  });

  it('holds 16 candidates at most, whoever wrote it', () => {
    const candidates = Array.from({ length: 20 }, (_, i): Candidate => ({
      kind: 'host',
      endpoint: at(`203.0.113.${i + 1}:9`),
    }));
    const bytes = encodeCall({ ...CALL, candidates });
    expect(bytes).toHaveLength(4 + 16 * 8);
    const twice = Uint8Array.from([...bytes, ...bytes.subarray(4)]);
    expect(decodeCall(twice)?.candidates).toEqual(candidates.slice(0, 16));
  });

  it.each([
    ['nothing', []],
    ['an unknown mapping', [3, 0, 0, 0]],
    ['an unknown allocation', [0, 4, 0, 0]],
    ['a sequence without a step', [2, 3, 0, 0]],
    ['half a candidate', [0, 0, 0, 0, 0, 4]],
    ['a candidate of no family', [0, 0, 0, 0, 0, 5, 0, 9, 1, 2, 3, 4]],
    ['port 0', [0, 0, 0, 0, 0, 4, 0, 0, 1, 2, 3, 4]],
    ['a short address', [0, 0, 0, 0, 0, 6, 0, 9, 1, 2, 3, 4]],
  ])('of %s is malformed', (_, bytes) => {
    expect(decodeCall(Uint8Array.from(bytes))).toBeUndefined();
  });

  it('of any bytes is malformed or reads back from what it is written as', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const call = decodeCall(bytes);
        if (call) expect(decodeCall(encodeCall(call))).toEqual(call);
      }),
    );
  });
});

describe('calls of a peer', () => {
  it('are listened to four times at once, then every two seconds', () => {
    const bucket = new TokenBucket(CALL_LIMITS);
    const admitted: number[] = [];
    for (let now = 0; now < 10_000; now += 100) if (bucket.take(instant(now))) admitted.push(now);
    expect(admitted.slice(0, 4)).toEqual([0, 100, 200, 300]);
    expect(admitted).toHaveLength(4 + 4);
  });
});
