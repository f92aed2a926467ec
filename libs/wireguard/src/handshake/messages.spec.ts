import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SessionIndex } from '../session-index.js';
import { decodeMessage, encodeCookieReply, encodeInitiation, encodeResponse, isWireGuardMessage } from './messages.js';

const index = (value: number): SessionIndex => value as SessionIndex;
const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);

describe('WireGuard messages', () => {
  it('have the lengths of the whitepaper and come back as they were', () => {
    const initiation = encodeInitiation(index(0xfedcba98), filled(108, 1));
    expect(initiation).toHaveLength(148);
    expect(decodeMessage(initiation)).toEqual({ kind: 'initiation', sender: 0xfedcba98, body: filled(108, 1) });

    const response = encodeResponse(index(1), index(2), filled(48, 3));
    expect(response).toHaveLength(92);
    expect(decodeMessage(response)).toEqual({ kind: 'response', sender: 1, receiver: 2, body: filled(48, 3) });

    const reply = encodeCookieReply(index(7), filled(24, 1), filled(32, 2));
    expect(reply).toHaveLength(64);
    expect(decodeMessage(reply)).toEqual({
      kind: 'cookie-reply',
      receiver: 7,
      nonce: filled(24, 1),
      sealedCookie: filled(32, 2),
    });
  });

  it.each([
    [1, 148],
    [2, 92],
    [3, 64],
  ])('of type %i have exactly %i bytes', (type, length) => {
    for (const [candidate, expected] of [
      [length - 1, false],
      [length, true],
      [length + 1, false],
    ] as const) {
      const datagram = new Uint8Array(candidate);
      datagram[0] = type;
      expect(isWireGuardMessage(datagram)).toBe(expected);
    }
  });

  it('of type 4 have at least 32 bytes, padded or not', () => {
    const transport = new Uint8Array(200);
    transport[0] = 4;
    expect(isWireGuardMessage(transport.subarray(0, 31))).toBe(false);
    for (const length of [32, 33, 200]) expect(isWireGuardMessage(transport.subarray(0, length))).toBe(true);
  });

  it('must have zeros in the reserved bytes', () => {
    for (const position of [1, 2, 3]) {
      const datagram = new Uint8Array(148);
      datagram[0] = 1;
      datagram[position] = 1;
      expect(isWireGuardMessage(datagram)).toBe(false);
    }
  });

  it('are recognised exactly where they can be decoded, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.nat(6), fc.uint8Array({ maxLength: 200 }), fc.boolean(), (type, bytes, reserved) => {
        if (reserved) bytes.set([type, 0, 0, 0].slice(0, bytes.length));
        expect(decodeMessage(bytes) !== undefined).toBe(isWireGuardMessage(bytes));
      }),
    );
  });
});
