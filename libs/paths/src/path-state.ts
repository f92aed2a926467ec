// The states of the path agent. What follows from them: liveness.ts, search-schedule.ts, path-deadlines.ts.

import type { Instant } from '@shadownet/primitives';
import type { CandidateEntry } from './candidate-table.js';
import type { DataFlow } from './data-flow.js';
import type { LossReason } from './path-event.js';

export type State = Idle | Searching | Waiting | Connected;

export interface Idle {
  readonly kind: 'idle';
  readonly since: Instant;
  /** Data has gone out: a search begins. */
  readonly wakeAt?: Instant;
}

export interface Searching {
  readonly kind: 'searching';
  readonly since: Instant;
  readonly until: Instant;
  readonly roundAt: Instant;
  /** Without an answer by the relay until then, the peer is called by the control server, too; absent afterwards. */
  readonly callAt: Instant | undefined;
  /** Searches in a row that came to nothing. */
  readonly failures: number;
}

export interface Waiting {
  readonly kind: 'waiting';
  readonly since: Instant;
  readonly retryAt: Instant;
  readonly failures: number;
}

export interface Connected {
  readonly kind: 'connected';
  readonly since: Instant;
  readonly entry: CandidateEntry;
  /** Replaced with what is heard on the path. */
  liveness: Steady | Checking;
  readonly data: DataFlow;
  /** The next round of probes to the other candidates: frequent until `settledAt`, rare afterwards. */
  readonly roundAt: Instant;
  readonly settledAt: Instant;
  /** Rare rounds since then. */
  readonly explored: number;
}

export interface Steady {
  readonly kind: 'steady';
  readonly keepaliveAt: Instant;
}

export interface Checking {
  readonly kind: 'checking';
  readonly reason: LossReason;
  /** Probes. */
  readonly sent: number;
  readonly probeAt: Instant;
  /** Without an answer by then the path is lost. */
  readonly until: Instant;
}
