// What happened in the search for a path to one peer, bounded: for people, for `explain`, and for a replay through the same path
// agent. It holds addresses and times, no keys. Times are milliseconds since the agent was made.

import { durationBetween, formatEndpoint, type Instant, type Path } from '@shadownet/primitives';
import type { Candidate } from './candidate.js';
import type { NatTraits } from './nat-traits.js';
import type { LossReason, SearchReason } from './path-event.js';
import type { GuessRole } from './port-guessing.js';

export type TimelinePath =
  { readonly kind: 'relay' } | { readonly kind: 'udp'; readonly socket: number; readonly remote: string };

export interface ProbeRun {
  readonly kind: 'probes';
  readonly at: number;
  readonly path: TimelinePath;
  readonly sent: number;
  readonly answered: number;
  /** Which of those sent was answered first, from 1; 0 if none was. */
  readonly firstAnswered: number;
  /** Of the last answer. */
  readonly rtt: number | null;
}

/** What was done to the agent, and what it found. */
export type TimelineEntry =
  | { readonly kind: 'relay'; readonly at: number; readonly isThere: boolean }
  | {
      readonly kind: 'candidates';
      readonly at: number;
      readonly source: 'map' | 'call';
      readonly candidates: readonly { readonly kind: Candidate['kind']; readonly endpoint: string }[];
    }
  | { readonly kind: 'nats'; readonly at: number; readonly local: NatTraits; readonly remote: NatTraits }
  | { readonly kind: 'command'; readonly at: number; readonly command: 'start' | 'stop' | 'traffic' }
  | { readonly kind: 'search'; readonly at: number; readonly reason: SearchReason }
  /** A request of the peer came by a path that was not known. */
  | { readonly kind: 'heard'; readonly at: number; readonly path: TimelinePath }
  | ProbeRun
  | { readonly kind: 'guessing'; readonly at: number; readonly role: GuessRole }
  | { readonly kind: 'selected'; readonly at: number; readonly path: TimelinePath; readonly rtt: number | null }
  | { readonly kind: 'lost'; readonly at: number; readonly path: TimelinePath; readonly reason: LossReason };

export interface Recording {
  readonly version: 1;
  /** Entries that were dropped, the oldest first: a recording without its beginning cannot be replayed. */
  readonly dropped: number;
  readonly entries: readonly TimelineEntry[];
  /** Where data goes at the end of it; null if nowhere. */
  readonly current: TimelinePath | null;
}

const MAX_ENTRIES = 256;

type WithoutTime<Entry> = Entry extends unknown ? Omit<Entry, 'at'> : never;

export type TimelineNote = WithoutTime<Exclude<TimelineEntry, ProbeRun>>;

export class Timeline {
  #startedAt: Instant | undefined;
  readonly #entries: TimelineEntry[] = [];
  /** Where the runs of the search that is under way are, by the text of the path. */
  readonly #runs = new Map<string, number>();
  #dropped = 0;
  #current: TimelinePath | null = null;

  note(entry: TimelineNote, now: Instant): void {
    if (entry.kind === 'search') this.#runs.clear();
    if (entry.kind === 'selected') this.#current = entry.path;
    if (entry.kind === 'lost') this.#current = null;
    this.#push({ ...entry, at: this.#since(now) });
  }

  noteProbe(path: Path, now: Instant): void {
    this.#change(path, now, (run) => ({ ...run, sent: run.sent + 1 }));
  }

  noteAnswer(path: Path, rtt: number, now: Instant): void {
    this.#change(path, now, (run) => ({
      ...run,
      answered: run.answered + 1,
      firstAnswered: run.firstAnswered || run.sent,
      rtt: rounded(rtt),
    }));
  }

  get recording(): Recording {
    return { version: 1, dropped: this.#dropped, entries: [...this.#entries], current: this.#current };
  }

  #change(path: Path, now: Instant, change: (run: ProbeRun) => ProbeRun): void {
    const where = timelinePath(path);
    const key = where.kind === 'relay' ? 'relay' : `${where.socket} ${where.remote}`;
    const index = this.#runs.get(key);
    const known = index === undefined ? undefined : this.#entries[index - this.#dropped];
    if (known?.kind === 'probes') {
      this.#entries[index! - this.#dropped] = change(known);
      return;
    }
    this.#runs.set(key, this.#dropped + this.#entries.length);
    const at = this.#since(now);
    this.#push(change({ kind: 'probes', at, path: where, sent: 0, answered: 0, firstAnswered: 0, rtt: null }));
  }

  #push(entry: TimelineEntry): void {
    this.#entries.push(entry);
    if (this.#entries.length <= MAX_ENTRIES) return;
    this.#entries.shift();
    this.#dropped += 1;
  }

  #since(now: Instant): number {
    this.#startedAt ??= now;
    return rounded(durationBetween(this.#startedAt, now));
  }
}

export function timelinePath(path: Path): TimelinePath {
  if (path.kind === 'relay') return { kind: 'relay' };
  return { kind: 'udp', socket: path.socket, remote: formatEndpoint(path.remote) };
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}
