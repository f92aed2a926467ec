// What happened in the search for a path to one peer, bounded: for people, for `explain`, and for a replay through the same path
// agent. It holds addresses and times, no keys. Times are milliseconds since the agent was made.

import { durationBetween, formatEndpoint, type Instant, minutes, type Path, seconds } from '@shadownet/primitives';
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
  readonly lastAnsweredAt: number | null;
}

/** Data flowed, in either direction, with pauses of a minute at most. */
export interface DataRun {
  readonly kind: 'data';
  readonly at: number;
  /** Up to a second later than noted. */
  readonly until: number;
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
  | DataRun
  | { readonly kind: 'guessing'; readonly at: number; readonly role: GuessRole }
  | { readonly kind: 'selected'; readonly at: number; readonly path: TimelinePath; readonly rtt: number | null }
  | { readonly kind: 'lost'; readonly at: number; readonly path: TimelinePath; readonly reason: LossReason };

export interface Recording {
  readonly version: 1;
  /**
   * Entries that were dropped, whole searches, the oldest first. Of what they told of the world (relay, candidates, NATs) the
   * newest of each kind is kept as the beginning, so that a replay can start from there.
   */
  readonly dropped: number;
  readonly entries: readonly TimelineEntry[];
  /** Where data goes at the end of it; null if nowhere. */
  readonly current: TimelinePath | null;
}

export const MAX_TIMELINE_ENTRIES = 256;

const DATA_PAUSE = minutes(1);
const DATA_RESOLUTION = seconds(1);

type WithoutTime<Entry> = Entry extends unknown ? Omit<Entry, 'at'> : never;

export type TimelineNote = WithoutTime<Exclude<TimelineEntry, ProbeRun | DataRun>>;

export class Timeline {
  #startedAt: Instant | undefined;
  #entries: TimelineEntry[] = [];
  /** The runs of the search that is under way, by the text of the path. */
  readonly #runs = new Map<string, ProbeRun>();
  #dataRun: DataRun | undefined;
  #dropped = 0;
  #current: TimelinePath | null = null;

  note(entry: TimelineNote, now: Instant): void {
    if (entry.kind === 'search') this.#runs.clear();
    if (entry.kind === 'selected') this.#current = entry.path;
    if (entry.kind === 'lost') this.#current = null;
    this.#push({ ...entry, at: this.#since(now) });
  }

  noteProbe(path: Path, now: Instant): void {
    const { key, run } = this.#runOf(path, now);
    this.#change(key, { ...run, sent: run.sent + 1 });
  }

  noteAnswer(path: Path, rtt: number, now: Instant): void {
    const { key, run } = this.#runOf(path, now);
    this.#change(key, {
      ...run,
      answered: run.answered + 1,
      firstAnswered: run.firstAnswered || run.sent,
      rtt: rounded(rtt),
      lastAnsweredAt: this.#since(now),
    });
  }

  /** Of each packet: cheap, since only one a second is noted. */
  noteData(now: Instant): void {
    const at = this.#since(now);
    const run = this.#dataRun;
    if (run && at - run.until < DATA_RESOLUTION) return;
    const longer: DataRun | undefined = run && at - run.until <= DATA_PAUSE ? { ...run, until: at } : undefined;
    if (run && longer && this.#replace(run, longer)) {
      this.#dataRun = longer;
      return;
    }
    this.#dataRun = { kind: 'data', at, until: at };
    this.#push(this.#dataRun);
  }

  get recording(): Recording {
    return { version: 1, dropped: this.#dropped, entries: [...this.#entries], current: this.#current };
  }

  #runOf(path: Path, now: Instant): { readonly key: string; readonly run: ProbeRun } {
    const where = timelinePath(path);
    const key = where.kind === 'relay' ? 'relay' : `${where.socket} ${where.remote}`;
    const counts = { sent: 0, answered: 0, firstAnswered: 0, rtt: null, lastAnsweredAt: null };
    return { key, run: this.#runs.get(key) ?? { kind: 'probes', at: this.#since(now), path: where, ...counts } };
  }

  #change(key: string, run: ProbeRun): void {
    const known = this.#runs.get(key);
    this.#runs.set(key, run);
    if (!known || !this.#replace(known, run)) this.#push(run);
  }

  /** False if it was dropped. */
  #replace(entry: TimelineEntry, next: TimelineEntry): boolean {
    const index = this.#entries.lastIndexOf(entry);
    if (index < 0) return false;
    this.#entries[index] = next;
    return true;
  }

  #push(entry: TimelineEntry): void {
    this.#entries.push(entry);
    if (this.#entries.length > MAX_TIMELINE_ENTRIES) this.#dropOldest();
  }

  /** The oldest search with all that came of it; if there is but one, what came of it first. */
  #dropOldest(): void {
    const [first, second] = this.#entries.flatMap(({ kind }, i) => (kind === 'search' ? [i] : []));
    const end = second ?? (first ?? 0) + MAX_TIMELINE_ENTRIES / 4;
    const start = second === undefined && first !== undefined ? [this.#entries[first]!] : [];
    const kept = [...knowledgeOf(this.#entries.slice(0, end)), ...start, ...this.#entries.slice(end)];
    this.#dropped += this.#entries.length - kept.length;
    this.#entries = kept;
  }

  #since(now: Instant): number {
    this.#startedAt ??= now;
    return rounded(durationBetween(this.#startedAt, now));
  }
}

/** The newest of each kind of what these entries tell of the world. */
function knowledgeOf(entries: readonly TimelineEntry[]): TimelineEntry[] {
  const relay = entries.findLast(({ kind }) => kind === 'relay');
  const named = (['map', 'call'] as const).map((source) =>
    entries.findLast((entry) => entry.kind === 'candidates' && entry.source === source),
  );
  const nats = entries.findLast(({ kind }) => kind === 'nats');
  return [relay, ...named, nats].filter((entry) => entry !== undefined);
}

export function timelinePath(path: Path): TimelinePath {
  if (path.kind === 'relay') return { kind: 'relay' };
  return { kind: 'udp', socket: path.socket, remote: formatEndpoint(path.remote) };
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}
