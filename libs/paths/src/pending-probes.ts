// Our requests that may still be answered: an answer confirms a path only if its transaction is one of these, young
// enough, and comes from the very address that the request went to.

import { type Duration, durationBetween, encodeHex, type Instant, type Path, pathsEqual } from '@shadownet/primitives';
import { MAX_PENDING_PROBES, PROBE_LIFETIME } from './path-constants.js';

export interface PendingProbe {
  readonly path: Path;
  readonly sentAt: Instant;
  /** Of the whole request. */
  readonly bytes: number;
  /** Sent to an endpoint that nobody has named. */
  readonly isGuess: boolean;
  /** Somebody waits for its answer. */
  readonly isPing: boolean;
}

export type ProbeAnswer =
  | { readonly ok: true; readonly probe: PendingProbe; readonly rtt: Duration }
  | { readonly ok: false; readonly reason: 'unknown-transaction' | 'wrong-source' };

export class PendingProbes {
  /** By transaction id, the oldest first. */
  readonly #probes = new Map<string, PendingProbe>();

  get size(): number {
    return this.#probes.size;
  }

  add(transactionId: Uint8Array, probe: PendingProbe): void {
    this.#forgetExpired(probe.sentAt);
    this.#probes.set(encodeHex(transactionId), probe);
  }

  /** Takes the request that was answered. An answer from elsewhere leaves it, since the true one may still come. */
  answer(transactionId: Uint8Array, from: Path, now: Instant): ProbeAnswer {
    this.#forgetExpired(now);
    const key = encodeHex(transactionId);
    const probe = this.#probes.get(key);
    if (!probe) return { ok: false, reason: 'unknown-transaction' };
    if (!pathsEqual(probe.path, from)) return { ok: false, reason: 'wrong-source' };
    this.#probes.delete(key);
    return { ok: true, probe, rtt: durationBetween(probe.sentAt, now) };
  }

  #forgetExpired(now: Instant): void {
    for (const [key, { sentAt }] of this.#probes) {
      if (this.#probes.size < MAX_PENDING_PROBES && durationBetween(sentAt, now) <= PROBE_LIFETIME) return;
      this.#probes.delete(key);
    }
  }
}
