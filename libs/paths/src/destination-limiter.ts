// Limits probes per destination, so that candidates which peers announce can't be turned into a flood. Share one between
// all agents of a node: then it holds however many peers announce the same victim.

import { formatPath, type Instant, type Path } from '@shadownet/primitives';
import { MAX_LIMITED_DESTINATIONS, MIN_PROBE_GAP } from './path-constants.js';

export class DestinationLimiter {
  /** When each destination was last probed, the longest ago first. */
  readonly #lastProbe = new Map<string, Instant>();

  /** True if a probe may go out on `path` now, which is then counted. */
  admit(path: Path, now: Instant): boolean {
    const destination = formatPath(path);
    const last = this.#lastProbe.get(destination);
    if (last !== undefined && now - last < MIN_PROBE_GAP) return false;
    this.#lastProbe.delete(destination);
    this.#lastProbe.set(destination, now);
    if (this.#lastProbe.size > MAX_LIMITED_DESTINATIONS) {
      const [longestAgo] = this.#lastProbe.keys();
      this.#lastProbe.delete(longestAgo!);
    }
    return true;
  }
}
