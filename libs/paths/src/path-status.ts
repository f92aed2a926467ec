// A snapshot of the path agent for people and the control plane.

import type { Duration, Instant, UdpPath } from '@shadownet/primitives';
import type { Candidate } from './candidate.js';
import type { CandidateEntry } from './candidate-table.js';

export interface PathStatus {
  readonly state: 'idle' | 'searching' | 'connected' | 'waiting';
  readonly path?: UdpPath;
  readonly rtt?: Duration;
  readonly since: Instant;
  readonly candidates: readonly CandidateStatus[];
}

export interface CandidateStatus extends Candidate {
  readonly state: 'untested' | 'probing' | 'confirmed';
  readonly rtt?: Duration;
  readonly lastError?: string;
}

export function candidateStatus({ candidate, confirmation, unanswered }: CandidateEntry): CandidateStatus {
  const state = confirmation ? 'confirmed' : unanswered > 0 ? 'probing' : 'untested';
  return {
    ...candidate,
    state,
    ...(confirmation && { rtt: confirmation.rtt }),
    ...(unanswered > 1 && { lastError: `${unanswered} probes unanswered` }),
  };
}
