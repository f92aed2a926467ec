// What is known of each address at which a peer might be reached: bounded, keyed by path.

import {
  type Duration,
  durationBetween,
  formatPath,
  type Instant,
  milliseconds,
  type UdpPath,
  udpPath,
} from '@shadownet/primitives';
import type { Candidate } from './candidate.js';
import { MAX_ANNOUNCED_CANDIDATES, MAX_LEARNT_CANDIDATES, RTT_GAIN } from './path-constants.js';

export interface CandidateEntry {
  readonly path: UdpPath;
  candidate: Candidate;
  /** Probes sent since the last answer. */
  unanswered: number;
  /** The last answer, and the smoothed RTT; absent if there was none in this search. */
  confirmation: { readonly rtt: Duration; readonly at: Instant } | undefined;
}

export class CandidateTable {
  readonly #entries = new Map<string, CandidateEntry>();

  /** In the order in which they became known; learnt ones by their latest sign of life. */
  get entries(): readonly CandidateEntry[] {
    return [...this.#entries.values()];
  }

  /**
   * Replaces what the peer announced (the first 16 count) and returns the entries that are new. An address that was learnt
   * before is announced from now on; the entry at `keep` stays even if it is not announced any more.
   */
  announce(candidates: readonly Candidate[], keep: CandidateEntry | undefined): CandidateEntry[] {
    const announced = new Map<string, Candidate>();
    for (const candidate of candidates) {
      const key = formatPath(udpPath(candidate.endpoint));
      if (!announced.has(key) && announced.size < MAX_ANNOUNCED_CANDIDATES) announced.set(key, candidate);
    }
    for (const [key, entry] of this.#entries) {
      if (announced.has(key) || entry.candidate.kind === 'peer-reflexive') continue;
      if (entry === keep) entry.candidate = { ...entry.candidate, kind: 'peer-reflexive' };
      else this.#entries.delete(key);
    }
    const added: CandidateEntry[] = [];
    for (const [key, candidate] of announced) {
      const known = this.#entries.get(key);
      if (known) known.candidate = candidate;
      else added.push(this.#add(key, candidate, udpPath(candidate.endpoint)));
    }
    return added;
  }

  /** The entry of an address that an authenticated message came from, which is added if unknown. The one at `keep` stays. */
  learn(path: UdpPath, keep: CandidateEntry | undefined): { readonly entry: CandidateEntry; readonly added: boolean } {
    const key = formatPath(path);
    const known = this.#entries.get(key);
    if (known?.candidate.kind === 'peer-reflexive') {
      this.#entries.delete(key);
      this.#entries.set(key, known);
    }
    if (known) return { entry: known, added: false };
    const learnt = [...this.#entries].filter(([, { candidate }]) => candidate.kind === 'peer-reflexive');
    const oldest = learnt.find(([, entry]) => entry !== keep);
    if (learnt.length >= MAX_LEARNT_CANDIDATES && oldest) this.#entries.delete(oldest[0]);
    return { entry: this.#add(key, { kind: 'peer-reflexive', endpoint: path.remote }, path), added: true };
  }

  get(path: UdpPath): CandidateEntry | undefined {
    return this.#entries.get(formatPath(path));
  }

  #add(key: string, candidate: Candidate, path: UdpPath): CandidateEntry {
    const entry: CandidateEntry = { path, candidate, unanswered: 0, confirmation: undefined };
    this.#entries.set(key, entry);
    return entry;
  }
}

/** Notes an answer that took `rtt`, and returns the smoothed RTT: old + (new − old) / 4. */
export function confirm(entry: CandidateEntry, rtt: Duration, now: Instant): Duration {
  const before = entry.confirmation?.rtt ?? rtt;
  const smoothed = milliseconds(before + (rtt - before) * RTT_GAIN);
  entry.confirmation = { rtt: smoothed, at: now };
  entry.unanswered = 0;
  return smoothed;
}

/** True if it answered at most `span` ago. */
export function confirmedWithin(entry: CandidateEntry, span: Duration, now: Instant): boolean {
  return entry.confirmation !== undefined && durationBetween(entry.confirmation.at, now) <= span;
}
