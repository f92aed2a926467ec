// What a path agent tells: events for its owner, in order, and beside them the recording of the search. PathAgent and its parts
// write to one.

import { type Duration, formatEndpoint, type Instant, type Path } from '@shadownet/primitives';
import type { Candidate } from './candidate.js';
import type { LossReason, PathEvent } from './path-event.js';
import { type Recording, Timeline, type TimelineNote, timelinePath } from './timeline.js';

export class PathJournal {
  readonly #events: PathEvent[] = [];
  readonly #timeline = new Timeline();

  pollEvent(): PathEvent | undefined {
    return this.#events.shift();
  }

  get recording(): Recording {
    return this.#timeline.recording;
  }

  /** Tells the owner only. */
  tell(event: PathEvent): void {
    this.#events.push(event);
  }

  /** Records only. */
  note(entry: TimelineNote, now: Instant): void {
    this.#timeline.note(entry, now);
  }

  noteCandidates(source: 'map' | 'call', candidates: readonly Candidate[], now: Instant): void {
    const named = candidates.map(({ kind, endpoint }) => ({ kind, endpoint: formatEndpoint(endpoint) }));
    this.#timeline.note({ kind: 'candidates', source, candidates: named }, now);
  }

  noteProbe(path: Path, now: Instant): void {
    this.#timeline.noteProbe(path, now);
  }

  noteAnswer(path: Path, rtt: Duration, now: Instant): void {
    this.#timeline.noteAnswer(path, rtt, now);
  }

  /** Data went out or came in. */
  noteData(now: Instant): void {
    this.#timeline.noteData(now);
  }

  /** Data goes by `path` from now on. */
  selected(path: Path, rtt: Duration | undefined, now: Instant): void {
    this.#events.push({ kind: 'path-selected', path, rtt });
    this.#timeline.note({ kind: 'selected', path: timelinePath(path), rtt: rtt ?? null }, now);
  }

  /** Data goes by `path` no more. */
  lost(path: Path, reason: LossReason, now: Instant): void {
    this.#events.push({ kind: 'path-lost', path, reason });
    this.#timeline.note({ kind: 'lost', path: timelinePath(path), reason }, now);
  }
}
