// How far away a relay is, without being let in: the time from a hello to its challenge (docs/relay.md, Connecting). Anybody may ask.
// Sans-IO; `shadownet-node netcheck` measures with it.

import type { RandomBytes } from '@shadownet/crypto';
import { type Duration, durationBetween, encodeHex, type Instant } from '@shadownet/primitives';
import { NONCE_BYTES } from '../constants.js';
import { FrameType, isRelayFrame } from '../frame.js';
import { decodeChallenge, encodeHello } from '../handshake-frames.js';

export class RelayGreeting {
  readonly #random: RandomBytes;
  /** When each hello left, by its nonce. */
  readonly #sentAt = new Map<string, Instant>();

  constructor(random: RandomBytes) {
    this.#random = random;
  }

  /** A fresh hello of 64 bytes, the caller's to send now. */
  hello(now: Instant): Uint8Array {
    const nonce = this.#random(NONCE_BYTES);
    this.#sentAt.set(encodeHex(nonce), now);
    return encodeHello(nonce);
  }

  /** The round trip that this frame ends; undefined if it answers no hello of ours, or one that was answered already. */
  handleFrame(frame: Uint8Array, now: Instant): Duration | undefined {
    if (!isRelayFrame(frame) || frame[0] !== FrameType.challenge) return undefined;
    const challenge = decodeChallenge(frame);
    const key = challenge && encodeHex(challenge.nonce);
    const sentAt = key === undefined ? undefined : this.#sentAt.get(key);
    if (key === undefined || sentAt === undefined) return undefined;
    this.#sentAt.delete(key);
    return durationBetween(sentAt, now);
  }
}
