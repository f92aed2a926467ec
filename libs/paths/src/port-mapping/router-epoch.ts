// Whether a router has lost its mappings, told by the seconds since it last did so, which every answer carries (RFC 6887 §8.5,
// RFC 6886 §3.6): they must go on as our own clock does.

import { durationBetween, type Instant } from '@shadownet/primitives';

interface Sighting {
  readonly epoch: number;
  readonly at: Instant;
}

export class RouterEpoch {
  #last: Sighting | undefined;

  /** Takes the epoch of an answer. False if it does not follow from the one before: what was mapped is gone. */
  follows(epoch: number, now: Instant): boolean {
    const last = this.#last;
    this.#last = { epoch, at: now };
    if (!last) return true;
    // Off by one is reordering, no restart.
    if (epoch < last.epoch - 1) return false;
    const ours = durationBetween(last.at, now) / 1000;
    const theirs = epoch - last.epoch;
    // 2 s for rounding and delay, a sixteenth for clocks that run differently.
    return ours + 2 >= theirs - theirs / 16 && theirs + 2 >= ours - ours / 16;
  }
}
