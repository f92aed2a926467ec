import { describe, expect, it } from 'vitest';

import { classifyDatagram } from './datagram-class.js';

describe('telling datagrams apart', () => {
  it.each([
    ['an initiation', wireGuard(1, 148), 'handshake'],
    ['a response', wireGuard(2, 92), 'handshake'],
    ['a cookie reply', wireGuard(3, 64), 'handshake'],
    ['a keepalive', wireGuard(4, 32), 'transport'],
    ['data of any length, since peers need not pad', wireGuard(4, 1453), 'transport'],
    ['a type with another length', wireGuard(1, 147), 'unknown'],
    ['reserved bytes that are not zero', wireGuard(4, 64, 1), 'unknown'],
    ['a type that does not exist', wireGuard(5, 64), 'unknown'],
    ['a data packet whose index spells the magic cookie', cookieAt(wireGuard(4, 64)), 'transport'],
    ['a STUN request', stun(0x0001, 28), 'stun'],
    ['a STUN success, which begins with byte 1', stun(0x0101, 44), 'stun'],
    ['a STUN message of another length than it says', stun(0x0001, 28).subarray(0, 27), 'unknown'],
    ['the shortest frame of a relay', relayFrame(0xde, 16), 'relay-frame'],
    ['the longest frame of a relay', relayFrame(0xd8, 2048), 'relay-frame'],
    ['what is too short for a frame of a relay', relayFrame(0xd8, 15), 'unknown'],
    ['what is too long for a frame of a relay', relayFrame(0xd8, 2049), 'unknown'],
    ['what is too short for STUN', stun(0x0001, 20).subarray(0, 19), 'unknown'],
    ['nothing at all', new Uint8Array(0), 'unknown'],
  ])('%s', (_, bytes, expected) => {
    const memory = new Uint8Array(bytes.length + 8);
    memory.set(bytes, 4);
    expect(classifyDatagram(new DataView(memory.buffer), 4, bytes.length)).toBe(expected);
  });
});

function wireGuard(type: number, length: number, reserved = 0): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes[0] = type;
  bytes[2] = reserved;
  return bytes;
}

function relayFrame(type: number, length: number): Uint8Array {
  return new Uint8Array(length).fill(type, 0, 1);
}

function cookieAt(bytes: Uint8Array): Uint8Array {
  new DataView(bytes.buffer).setUint32(4, 0x2112a442);
  return bytes;
}

function stun(type: number, length: number): Uint8Array {
  const bytes = cookieAt(new Uint8Array(length));
  new DataView(bytes.buffer).setUint16(0, type);
  new DataView(bytes.buffer).setUint16(2, length - 20);
  return bytes;
}
