// Frames in the messages of a stream (a WebSocket): each behind its length, many in one message. Used by the shells of both ends.

import { MAX_FRAME_BYTES, MAX_STREAM_MESSAGE_BYTES } from './constants.js';

const LENGTH_BYTES = 2;
/** Of a message that may grow: most streams are idle, and cost nothing then. */
const FIRST_BYTES = 4096;
const EMPTY = new Uint8Array(0);

/** Collects frames into messages. */
export class StreamMessageWriter {
  #message = EMPTY;
  #length = 0;
  /** Of the message before: the next one of a busy stream will be as long. */
  #lastLength = FIRST_BYTES;

  /** Bytes to take. */
  get length(): number {
    return this.#length;
  }

  /** True if there is nothing to take. */
  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** Copies a frame. True if the message has to be taken now, since the next frame might not fit. */
  add(bytes: Uint8Array, at: number, length: number): boolean {
    this.#reserve(this.#length + LENGTH_BYTES + length);
    this.#message[this.#length] = length >>> 8;
    this.#message[this.#length + 1] = length;
    this.#message.set(bytes.subarray(at, at + length), this.#length + LENGTH_BYTES);
    this.#length += LENGTH_BYTES + length;
    return this.#length + LENGTH_BYTES + MAX_FRAME_BYTES > MAX_STREAM_MESSAGE_BYTES;
  }

  /** The message so far, whose memory belongs to the caller from now on. */
  take(): Uint8Array<ArrayBuffer> {
    const message = this.#message.subarray(0, this.#length);
    this.#lastLength = this.#length;
    this.#message = EMPTY;
    this.#length = 0;
    return message;
  }

  #reserve(length: number): void {
    if (length <= this.#message.length) return;
    const grown = new Uint8Array(
      Math.min(MAX_STREAM_MESSAGE_BYTES, Math.max(FIRST_BYTES, this.#lastLength + MAX_FRAME_BYTES, 2 * length)),
    );
    grown.set(this.#message.subarray(0, this.#length));
    this.#message = grown;
  }
}

/** Hands on each frame by its place. False if the message is not made of whole frames, after those that are. */
export function readStreamMessage(message: Uint8Array, onFrame: (at: number, length: number) => void): boolean {
  let at = 0;
  while (at + LENGTH_BYTES <= message.length) {
    const length = (message[at]! << 8) | message[at + 1]!;
    at += LENGTH_BYTES;
    if (length === 0 || length > MAX_FRAME_BYTES || at + length > message.length) return false;
    onFrame(at, length);
    at += length;
  }
  return at === message.length;
}
