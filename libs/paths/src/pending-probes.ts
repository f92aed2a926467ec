// Our requests that may still be answered: an answer confirms a path only if its transaction is one of these, young
// enough, and comes from the very address that the request went to.

import { bytesEqual, type Duration, durationBetween, type Instant, type Path, pathsEqual } from '@shadownet/primitives';
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

interface Request {
  readonly transactionId: Uint8Array;
  readonly probe: PendingProbe;
}

export class PendingProbes {
  /** The oldest first: few, but while ports are guessed. */
  readonly #requests: Request[] = [];

  get size(): number {
    return this.#requests.length;
  }

  /** `transactionId` must not be changed afterwards. */
  add(transactionId: Uint8Array, probe: PendingProbe): void {
    this.#forgetExpired(probe.sentAt);
    this.#requests.push({ transactionId, probe });
  }

  /** Takes the request that was answered. An answer from elsewhere leaves it, since the true one may still come. */
  answer(transactionId: Uint8Array, from: Path, now: Instant): ProbeAnswer {
    this.#forgetExpired(now);
    const index = this.#requests.findLastIndex((request) => bytesEqual(request.transactionId, transactionId));
    if (index < 0) return { ok: false, reason: 'unknown-transaction' };
    const { probe } = this.#requests[index]!;
    if (!pathsEqual(probe.path, from)) return { ok: false, reason: 'wrong-source' };
    this.#requests.splice(index, 1);
    return { ok: true, probe, rtt: durationBetween(probe.sentAt, now) };
  }

  #forgetExpired(now: Instant): void {
    const { length } = this.#requests;
    let expired = Math.max(0, length - MAX_PENDING_PROBES + 1);
    while (expired < length && durationBetween(this.#requests[expired]!.probe.sentAt, now) > PROBE_LIFETIME) expired++;
    if (expired > 0) this.#requests.splice(0, expired);
  }
}
