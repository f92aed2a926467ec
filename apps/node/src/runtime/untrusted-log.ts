// Logs that something did not verify, once a minute per source and reason at most: whoever is on the way could fill the disk.

import { durationBetween, type Instant, minutes } from '@shadownet/primitives';
import type { NodeLog } from './node-log.js';

const INTERVAL = minutes(1);
const MAX_KINDS = 64;

export class UntrustedLog {
  readonly #log: NodeLog;
  readonly #now: () => Instant;
  readonly #kinds = new Map<string, { loggedAt: Instant; suppressed: number }>();

  constructor(log: NodeLog, now: () => Instant) {
    this.#log = log;
    this.#now = now;
  }

  note(source: string, reason: string): void {
    const now = this.#now();
    const key = `${source} ${reason}`;
    const known = this.#kinds.get(key);
    if (known && durationBetween(known.loggedAt, now) < INTERVAL) {
      known.suppressed++;
      return;
    }
    if (!known && this.#kinds.size >= MAX_KINDS) return;
    this.#kinds.set(key, { loggedAt: now, suppressed: 0 });
    this.#log.event('untrusted-message', { source, reason, suppressed: known?.suppressed ?? 0 });
  }
}
