// Notices that this host's network may have changed: by what the kernel tells, by looking every few seconds (which is all where
// the kernel cannot be heard), and by the clock, which shows that the host has slept.

import { uptime } from 'node:os';
import { NativeError, watchNetworkChanges } from '@shadownet/native';
import { type Instant, milliseconds } from '@shadownet/primitives';

/** 'perhaps': look; 'slept': everything may be another, also what looks the same. */
export type NetworkSign = 'perhaps' | 'slept';

export interface NetworkWatchOptions {
  readonly now: () => Instant;
  readonly onSign: (sign: NetworkSign) => void;
  /** Milliseconds since the machine was started, sleep included; the system's unless told. */
  readonly sinceBoot?: () => number;
}

const LOOK_INTERVAL_MS = 5000;
/** One change comes as a burst: link, address, routes. */
const SETTLING_MS = 100;
/** /proc/uptime has hundredths of a second; a busy event loop delays both clocks alike. */
const SLEEP_THRESHOLD_MS = 2000;

export class NetworkWatch {
  readonly #options: NetworkWatchOptions;
  readonly #sinceBoot: () => number;
  readonly #interval: NodeJS.Timeout;
  readonly #kernel: { close(): void } | undefined;
  #settling: NodeJS.Timeout | undefined;
  #sleptMs: number;

  constructor(options: NetworkWatchOptions) {
    this.#options = options;
    this.#sinceBoot = options.sinceBoot ?? (() => uptime() * 1000);
    this.#sleptMs = this.#asleep();
    this.#interval = setInterval(() => this.#look(), LOOK_INTERVAL_MS);
    this.#kernel = listenToKernel(() => {
      this.#settling ??= setTimeout(() => {
        this.#settling = undefined;
        this.#look();
      }, SETTLING_MS);
    });
  }

  close(): void {
    clearInterval(this.#interval);
    clearTimeout(this.#settling);
    this.#kernel?.close();
  }

  #look(): void {
    const before = this.#sleptMs;
    this.#sleptMs = this.#asleep();
    this.#options.onSign(this.#sleptMs - before > SLEEP_THRESHOLD_MS ? 'slept' : 'perhaps');
  }

  /** The monotonic clock stands still while the host sleeps, the time since boot goes on. */
  #asleep(): number {
    return milliseconds(this.#sinceBoot() - this.#options.now());
  }
}

/** Nothing where there is no native code or no rtnetlink: the interval alone serves then. */
function listenToKernel(onChange: () => void): { close(): void } | undefined {
  try {
    return watchNetworkChanges(onChange);
  } catch (error) {
    if (error instanceof NativeError) return undefined;
    throw error;
  }
}
