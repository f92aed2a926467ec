import { ecnOf } from '@shadownet/wireguard';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { checksumOf, foldSum, sumWords } from './checksum.js';
import { setEcn } from './ecn-field.js';

const AT = 3;
const ecn = fc.integer({ min: 0, max: 3 });
const header = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

describe('setting the ECN of a packet', () => {
  it('leaves the checksum of an IPv4 header right, and the rest as it is', () => {
    fc.assert(
      fc.property(header(20), ecn, (bytes, codepoint) => {
        const packet = new Uint8Array(AT + 20);
        packet.set(bytes, AT);
        packet.set([0x45, bytes[1]!], AT);
        const view = new DataView(packet.buffer);
        view.setUint16(AT + 10, 0);
        view.setUint16(AT + 10, checksumOf(sumWords(view, AT, 20)));
        const before = packet.slice();
        setEcn(view, AT, codepoint);
        expect(ecnOf(packet, AT)).toBe(codepoint);
        expect(foldSum(sumWords(view, AT, 20))).toBe(0xffff);
        expect(packet[AT + 1]! & 0xfc).toBe(before[AT + 1]! & 0xfc);
        for (const other of packet.keys()) {
          if (![AT + 1, AT + 10, AT + 11].includes(other)) expect(packet[other]).toBe(before[other]);
        }
      }),
    );
  });

  it('changes nothing else of an IPv6 header', () => {
    fc.assert(
      fc.property(header(40), ecn, (bytes, codepoint) => {
        const packet = new Uint8Array(AT + 40);
        packet.set(bytes, AT);
        packet[AT] = 0x60 | (bytes[0]! & 15);
        const expected = packet.slice();
        expected[AT + 1] = (packet[AT + 1]! & 0xcf) | (codepoint << 4);
        setEcn(new DataView(packet.buffer), AT, codepoint);
        expect(packet).toEqual(expected);
      }),
    );
  });
});
