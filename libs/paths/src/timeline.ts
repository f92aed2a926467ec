// What happened in the search for a path to one peer, bounded: for people, for `explain`, and for a replay through the same path
// agent. It holds addresses and times, no keys. Times are milliseconds since the agent was made.

import {
  durationBetween,
  formatEndpoint,
  type Instant,
  minutes,
  type Path,
  pathKey,
  seconds,
} from '@shadownet/primitives';
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

type Changing<Entry> = { -readonly [Key in keyof Entry]: Entry[Key] };

export class Timeline {
  #startedAt: Instant | undefined;
  /** Runs among them are changed in place: `recording` has copies. */
  #entries: TimelineEntry[] = [];
  /** The runs of the search that is under way, by path. */
  readonly #runs = new Map<number | string, Changing<ProbeRun>>();
  #dataRun: Changing<DataRun> | undefined;
  #dropped = 0;
  #current: TimelinePath | null = null;

  note(entry: TimelineNote, now: Instant): void {
    if (entry.kind === 'search') this.#runs.clear();
    if (entry.kind === 'selected') this.#current = entry.path;
    if (entry.kind === 'lost') this.#current = null;
    this.#push({ ...entry, at: this.#since(now) });
  }

  noteProbe(path: Path, now: Instant): void {
    this.#runOf(path, now).sent += 1;
  }

  noteAnswer(path: Path, rtt: number, now: Instant): void {
    const run = this.#runOf(path, now);
    run.answered += 1;
    run.firstAnswered ||= run.sent;
    run.rtt = rounded(rtt);
    run.lastAnsweredAt = this.#since(now);
  }

  /** Of each packet: cheap, since only one a second is noted. */
  noteData(now: Instant): void {
    const at = this.#since(now);
    const run = this.#dataRun;
    if (run && at - run.until < DATA_RESOLUTION) return;
    if (run && at - run.until <= DATA_PAUSE) {
      run.until = at;
      return;
    }
    this.#dataRun = { kind: 'data', at, until: at };
    this.#push(this.#dataRun);
  }

  get recording(): Recording {
    return {
      version: 1,
      dropped: this.#dropped,
      entries: this.#entries.map(fixed),
      current: this.#current,
    };
  }

  #runOf(path: Path, now: Instant): Changing<ProbeRun> {
    const key = pathKey(path);
    let run = this.#runs.get(key);
    if (run) return run;
    const counts = { sent: 0, answered: 0, firstAnswered: 0, rtt: null, lastAnsweredAt: null };
    run = { kind: 'probes', at: this.#since(now), path: timelinePath(path), ...counts };
    this.#runs.set(key, run);
    this.#push(run);
    return run;
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
    // A run that was dropped begins anew.
    for (const [key, run] of this.#runs) if (!kept.includes(run)) this.#runs.delete(key);
    if (this.#dataRun && !kept.includes(this.#dataRun)) this.#dataRun = undefined;
  }

  #since(now: Instant): number {
    this.#startedAt ??= now;
    return rounded(durationBetween(this.#startedAt, now));
  }
}

/** Runs may go on: what is handed out does not. */
function fixed(entry: TimelineEntry): TimelineEntry {
  return entry.kind === 'probes' || entry.kind === 'data' ? { ...entry } : entry;
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
