import { describe, expect, it } from 'vitest';

import { MessageRing } from './message-ring.js';

describe('a ring of messages', () => {
  it('hands over what was written, in order, with its tag, and then nothing', () => {
    const { writer, reader } = open();
    writer.write(Uint8Array.of(1, 2), 7);
    writer.write(new Uint8Array(0));
    expect(reader.read()).toEqual({ bytes: Uint8Array.of(1, 2), tag: 7 });
    expect(reader.read()).toEqual({ bytes: new Uint8Array(0), tag: 0 });
    expect(reader.read()).toBeUndefined();
  });

  it('drops the oldest when it is full, and counts them', () => {
    const { writer, reader } = open();
    for (let i = 0; i < 11; i++) writer.write(Uint8Array.of(i));
    const read = Array.from({ length: 8 }, () => reader.read()?.bytes[0]);
    expect(read).toEqual([3, 4, 5, 6, 7, 8, 9, 10]);
    expect(reader.read()).toBeUndefined();
    expect(reader.lost).toBe(3);
  });

  it('hands over copies, which the next rounds of the ring leave alone', () => {
    const { writer, reader } = open();
    writer.write(Uint8Array.of(1));
    const { bytes } = reader.read()!;
    for (let i = 0; i < 20; i++) writer.write(Uint8Array.of(0xff));
    expect(bytes).toEqual(Uint8Array.of(1));
  });

  it('refuses what no slot can hold', () => {
    expect(() => open().writer.write(new Uint8Array(17))).toThrow(RangeError);
  });

  it('counts a message that is being overwritten as lost, instead of handing over a torn one', () => {
    const { writer, reader, buffer } = open();
    writer.write(Uint8Array.of(1));
    writer.write(Uint8Array.of(2));
    // The sequence of the first slot, as a writer leaves it while it copies.
    new Int32Array(buffer)[4] = 0;
    expect(reader.read()?.bytes).toEqual(Uint8Array.of(2));
    expect(reader.lost).toBe(1);
  });
});

function open(): { writer: MessageRing; reader: MessageRing; buffer: SharedArrayBuffer } {
  const writer = new MessageRing({ slots: 8, maxMessage: 16 });
  return { writer, reader: new MessageRing(writer.buffer), buffer: writer.buffer };
}
