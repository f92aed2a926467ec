// A snapshot of the path agent for people and the control plane.

import type { Duration, Instant, Path } from '@shadownet/primitives';
import type { Candidate } from './candidate.js';
import type { CandidateEntry } from './candidate-table.js';
import type { PathScore } from './path-score.js';

export interface PathStatus {
  /** Of the search for a direct path: 'connected' when one is in use. */
  readonly state: 'idle' | 'searching' | 'connected' | 'waiting';
  /** Where data goes. */
  readonly path?: Path;
  readonly rtt?: Duration;
  readonly since: Instant;
  readonly candidates: readonly CandidateStatus[];
}

export interface CandidateStatus extends Candidate {
  readonly state: 'untested' | 'probing' | 'confirmed';
  readonly rtt?: Duration;
  readonly lastError?: string;
  /** Which of the node's sockets, if it is not the first one. */
  readonly socket?: number;
  /** Of one that is confirmed. */
  readonly score?: PathScore;
}

export function candidateStatus(entry: CandidateEntry, now: Instant): CandidateStatus {
  const { candidate, confirmation, unanswered, path } = entry;
  const state = confirmation ? 'confirmed' : unanswered > 0 ? 'probing' : 'untested';
  return {
    ...candidate,
    state,
    ...(confirmation && { rtt: confirmation.rtt, score: entry.scoreAt(now) }),
    ...(path.socket !== 0 && { socket: path.socket }),
    ...(unanswered > 1 && { lastError: `${unanswered} probes unanswered` }),
  };
}
