// Limits probes per destination, so that candidates which peers announce can't be turned into a flood. Share one between
// all agents of a node: then it holds however many peers announce the same victim.

import { type Instant, type Path, pathKey } from '@shadownet/primitives';
import { MAX_LIMITED_DESTINATIONS, MIN_PROBE_GAP } from './path-constants.js';

type Probed = Map<number | string, Instant>;

/** What was probed longer ago than MIN_PROBE_GAP is of no interest: it goes with the generation that it is in. */
export class DestinationLimiter {
  /** When each destination was last probed. */
  #latest: Probed = new Map();
  #before: Probed = new Map();
  #latestSince: Instant | undefined;

  /** True if a probe may go out on `path` now, which is then counted. */
  admit(path: Path, now: Instant): boolean {
    const destination = pathKey(path);
    const last = this.#latest.get(destination) ?? this.#before.get(destination);
    if (last !== undefined && now - last < MIN_PROBE_GAP) return false;
    this.#latestSince ??= now;
    if (now - this.#latestSince >= MIN_PROBE_GAP || this.#latest.size >= MAX_LIMITED_DESTINATIONS) this.#turn(now);
    this.#latest.set(destination, now);
    return true;
  }

  #turn(now: Instant): void {
    [this.#latest, this.#before] = [this.#before, this.#latest];
    this.#latest.clear();
    this.#latestSince = now;
  }
}
