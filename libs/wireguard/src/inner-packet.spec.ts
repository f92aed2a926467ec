import { describe, expect, it } from 'vitest';
import { parseInnerPacket } from './inner-packet.js';
import { ipv4Packet } from './simulated-network.js';

describe('inner packets', () => {
  it('end where their header says, before the padding', () => {
    const padded = new Uint8Array(48);
    padded.set(ipv4Packet('10.0.0.1', '10.0.0.2', 1, 33));
    expect(parseInnerPacket(padded)).toMatchObject({ family: 4, length: 33, sourceOffset: 12, destinationOffset: 16 });

    const v6 = new Uint8Array(64);
    v6[0] = 0x60;
    v6[5] = 10;
    expect(parseInnerPacket(v6)).toMatchObject({ family: 6, length: 50, sourceOffset: 8, destinationOffset: 24 });
  });

  it('may stand in the middle of other bytes, of which nothing is read', () => {
    const v4 = ipv4Packet('10.0.0.1', '10.0.0.2', 1, 40);
    const memory = new Uint8Array(100).fill(0xff);
    memory.set(v4, 7);
    expect(parseInnerPacket(memory, 7, 48)).toEqual(parseInnerPacket(v4));
    expect(parseInnerPacket(memory, 7, 39)).toBeUndefined();
    expect(parseInnerPacket(memory, 7, 0)).toBeUndefined();
  });

  it('that are cut off, too short or of another protocol are none', () => {
    const v4 = ipv4Packet('10.0.0.1', '10.0.0.2', 1, 40);
    expect(parseInnerPacket(v4.subarray(0, 39))).toBeUndefined();
    expect(parseInnerPacket(v4.subarray(0, 19))).toBeUndefined();
    expect(parseInnerPacket(new Uint8Array(0))).toBeUndefined();

    const lying = Uint8Array.from(v4);
    lying.set([0, 19], 2);
    expect(parseInnerPacket(lying)).toBeUndefined();

    const v6 = new Uint8Array(39).fill(0);
    v6[0] = 0x60;
    expect(parseInnerPacket(v6)).toBeUndefined();
    for (const version of [0, 5, 15]) {
      const other = Uint8Array.from(v4);
      other[0] = (version << 4) | 5;
      expect(parseInnerPacket(other)).toBeUndefined();
    }
  });
});
