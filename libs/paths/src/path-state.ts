// The states of the path agent. What follows from them: liveness.ts, search-schedule.ts, path-deadlines.ts.

import type { Instant } from '@shadownet/primitives';
import type { CandidateEntry } from './candidate-table.js';
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
  readonly liveness: Steady | Checking;
  /** Data went out then and nothing has come back on the path since. */
  readonly unansweredSince: Instant | undefined;
  /** The next round of probes to the other candidates: frequent until `settledAt`, rare afterwards. */
  readonly roundAt: Instant;
  readonly settledAt: Instant;
  /** Rare rounds since then. */
  readonly explored: number;
  /** Data of the peer came on the path. */
  readonly lastDataAt: Instant | undefined;
  /** How often in a row, without a long silence in between; no further than what counts. */
  readonly dataRun: number;
  /** Data of ours went out after it. */
  readonly spoke: boolean;
  /** When the peer is asked what came of the data, and how many packets that was since it was asked last. */
  readonly reportAt: Instant | undefined;
  readonly unreportedPackets: number;
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
