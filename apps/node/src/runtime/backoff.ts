// Delays between attempts: doubling, with jitter, so that the nodes of a mesh don't come back to a restarted server in step.

import type { RandomBytes } from '@shadownet/crypto';
import { type Duration, milliseconds } from '@shadownet/primitives';

export class Backoff {
  readonly #first: Duration;
  readonly #longest: Duration;
  readonly #random: RandomBytes;
  #next: number;

  constructor(first: Duration, longest: Duration, random: RandomBytes) {
    this.#first = first;
    this.#longest = longest;
    this.#random = random;
    this.#next = first;
  }

  /** The next delay: between half and all of a step that doubles each time up to the longest. */
  next(): Duration {
    const step = this.#next;
    this.#next = Math.min(step * 2, this.#longest);
    return milliseconds((step * (256 + this.#random(1)[0]!)) / 511);
  }

  reset(): void {
    this.#next = this.#first;
  }
}
