// Frames that wait for a moment until their channel is known: few per peer, few peers, the oldest go first.

import { addDuration, type Instant } from '@shadownet/primitives';
import { HOLD_TIME, MAX_HELD_FRAMES, MAX_HELD_PEERS, RESOLVE_INTERVAL } from '../constants.js';

interface Held {
  readonly frames: Uint8Array[];
  until: Instant;
  askedAt: Instant;
}

export class HeldFrames<Key> {
  readonly #held = new Map<Key, Held>();

  /** Keeps a copy. True if it is time to ask for the channel, for the first time or again, which is then noted. */
  hold(key: Key, frame: Uint8Array, now: Instant): boolean {
    const known = this.#held.get(key);
    const held = known ?? { frames: [], until: now, askedAt: now };
    const mustAsk = !known || now - held.askedAt >= RESOLVE_INTERVAL;
    if (mustAsk) held.askedAt = now;
    if (held.until < now) held.frames.length = 0;
    held.until = addDuration(now, HOLD_TIME);
    if (held.frames.length >= MAX_HELD_FRAMES) held.frames.shift();
    held.frames.push(frame.slice());
    this.#held.delete(key);
    this.#held.set(key, held);
    if (this.#held.size > MAX_HELD_PEERS) {
      const [oldest] = this.#held.keys();
      this.#held.delete(oldest!);
    }
    return mustAsk;
  }

  /** What is still fresh, in order; it is held no longer. */
  take(key: Key, now: Instant): Uint8Array[] {
    const held = this.#held.get(key);
    this.#held.delete(key);
    return held && held.until >= now ? held.frames : [];
  }

  clear(): void {
    this.#held.clear();
  }
}
