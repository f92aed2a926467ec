import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_FRAME_BYTES, MAX_STREAM_MESSAGE_BYTES } from './constants.js';
import { readStreamMessage, StreamMessageWriter } from './stream-message.js';

const frames = fc.array(fc.uint8Array({ minLength: 1, maxLength: MAX_FRAME_BYTES, size: 'max' }), { maxLength: 80 });

describe('frames in the messages of a stream', () => {
  it('come out as they went in, in messages that are not too long', () => {
    fc.assert(
      fc.property(frames, (sent) => {
        const writer = new StreamMessageWriter();
        const messages: Uint8Array[] = [];
        for (const frame of sent) if (writer.add(frame, 0, frame.length)) messages.push(writer.take());
        if (!writer.isEmpty) messages.push(writer.take());
        const received: Uint8Array[] = [];
        for (const message of messages) {
          expect(message.length).toBeLessThanOrEqual(MAX_STREAM_MESSAGE_BYTES);
          expect(readStreamMessage(message, (at, length) => received.push(message.slice(at, at + length)))).toBe(true);
        }
        expect(received).toEqual(sent);
      }),
      { numRuns: 50 },
    );
  });

  it('never reach beyond a message that is not made of frames', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (message) => {
        let end = 0;
        const whole = readStreamMessage(message, (at, length) => {
          expect(at).toBe(end + 2);
          end = at + length;
        });
        expect(end).toBeLessThanOrEqual(message.length);
        expect(whole).toBe(end === message.length);
      }),
    );
  });
});
