import { encodeStunMessage } from '@shadownet/stun';
import { describe, expect, it } from 'vitest';
import { classifyDatagram } from './demultiplexer.js';

const transactionId = new Uint8Array(12);

/** A WireGuard data message whose receiver index spells STUN's magic cookie, so that only the order tells them apart. */
function dataThatLooksLikeStun(): Uint8Array {
  const message = new Uint8Array(48);
  message.set([4, 0, 0, 0, 0x21, 0x12, 0xa4, 0x42]);
  return message;
}

describe('a datagram', () => {
  it.each([
    [1, 148],
    [2, 92],
    [3, 64],
    [4, 32],
    [4, 1452],
  ])('of WireGuard type %i and %i bytes is WireGuard’s', (type, length) => {
    const message = new Uint8Array(length);
    message[0] = type;
    expect(classifyDatagram(message).kind).toBe('wireguard');
  });

  it('that is a STUN success is STUN, though it starts with the byte of an initiation', () => {
    const message = encodeStunMessage({ class: 'success', transactionId, fingerprint: true });
    expect(message[0]).toBe(1);
    expect(classifyDatagram(message)).toMatchObject({ kind: 'stun', message: { class: 'success' } });
  });

  it('with STUN’s cookie in WireGuard’s receiver index is WireGuard’s', () => {
    expect(classifyDatagram(dataThatLooksLikeStun()).kind).toBe('wireguard');
  });

  it.each([
    ['nothing', new Uint8Array(0)],
    ['a single byte', Uint8Array.of(1)],
    ['an initiation one byte short', Uint8Array.from({ length: 147 }, (_, i) => (i === 0 ? 1 : 0))],
    ['type 5', Uint8Array.from({ length: 148 }, (_, i) => (i === 0 ? 5 : 0))],
    ['text', new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n')],
  ])('of %s is unknown', (_what, datagram) => {
    expect(classifyDatagram(datagram).kind).toBe('unknown');
  });
});
