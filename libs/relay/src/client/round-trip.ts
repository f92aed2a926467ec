// The round trip to a relay over several samples: the smoothed mean of RFC 6298 §2, which one late answer does not upset.

import type { Duration } from '@shadownet/primitives';

const GAIN = 1 / 4;

export class RoundTrip {
  #smoothed: number | undefined;

  sample(rtt: Duration): void {
    this.#smoothed = this.#smoothed === undefined ? rtt : this.#smoothed + GAIN * (rtt - this.#smoothed);
  }

  get value(): Duration | undefined {
    return this.#smoothed as Duration | undefined;
  }
}
