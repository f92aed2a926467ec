import { SipHasher, sipHashKey } from '@shadownet/crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FRAME_HEADER_BYTES } from './constants.js';
import { channelOf, frameAround, FrameType } from './frame.js';
import { FrameOpener, FrameSealer } from './frame-protection.js';

const hasher = new SipHasher();
const key = () => sipHashKey(Uint8Array.from({ length: 16 }, (_, i) => i));

describe('a sealed frame', () => {
  it('keeps type, channel and payload, and is accepted once, in whatever order frames come', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.uint8Array(), fc.nat(0xffff)), { maxLength: 40 }),
        fc.infiniteStream(fc.nat()),
        (sent, picks) => {
          const sealer = new FrameSealer(hasher, key());
          const opener = new FrameOpener(hasher, key());
          const frames = sent.map(([payload, channel]) => {
            const frame = frameAround(payload);
            sealer.seal(frame, 0, frame.length, FrameType.data, channel);
            expect([frame[0], channelOf(frame, 0)]).toEqual([FrameType.data, channel]);
            expect(frame.subarray(FRAME_HEADER_BYTES)).toEqual(payload);
            return frame;
          });
          while (frames.length > 0) {
            const [frame] = frames.splice(picks.next().value % frames.length, 1);
            expect(opener.check(frame!, 0, frame!.length)).toBeUndefined();
            expect(opener.check(frame!, 0, frame!.length)).toBe('replayed');
          }
        },
      ),
    );
  });

  it('is sealed and checked at its place within larger memory, without touching what lies around it', () => {
    const memory = new SipHasher(5000);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(1000), (payload, at) => {
        memory.memory.fill(0x55);
        memory.memory.set(payload, at + FRAME_HEADER_BYTES);
        const length = FRAME_HEADER_BYTES + payload.length;
        new FrameSealer(memory, key()).seal(memory.memory, at, length, FrameType.data, 3);
        const frame = memory.memory.slice(at, at + length);
        expect(new FrameOpener(hasher, key()).check(frame, 0, length)).toBeUndefined();
        expect(new FrameOpener(memory, key()).check(memory.memory, at, length)).toBeUndefined();
        memory.memory.fill(0x55, at, at + length);
        expect(memory.memory.every((byte) => byte === 0x55)).toBe(true);
      }),
    );
  });

  it('is not accepted under another key, nor with any byte changed', () => {
    const frame = frameAround(Uint8Array.from({ length: 33 }, (_, i) => i));
    new FrameSealer(hasher, key()).seal(frame, 0, frame.length, FrameType.data, 9);
    expect(new FrameOpener(hasher, sipHashKey(new Uint8Array(16))).check(frame, 0, frame.length)).toBe('bad-tag');
    for (let at = 0; at < frame.length; at++) {
      frame[at]! ^= 0x10;
      expect(new FrameOpener(hasher, key()).check(frame, 0, frame.length)).toBe('bad-tag');
      frame[at]! ^= 0x10;
    }
    expect(new FrameOpener(hasher, key()).check(frame, 0, frame.length)).toBeUndefined();
  });
});
