// The states of the path agent, and the deadlines that follow from one. Used by path-agent.ts.

import {
  addDuration,
  assertNever,
  durationBetween,
  type Instant,
  milliseconds,
  type Wakeup,
} from '@shadownet/primitives';
import type { CandidateEntry } from './candidate-table.js';
import { ANSWERING_TIME, DATA_ANSWER_RTTS, DATA_ANSWER_TIME } from './path-constants.js';
import type { LossReason } from './path-event.js';

export type Liveness =
  | { readonly kind: 'steady'; readonly keepaliveAt: Instant }
  | {
      readonly kind: 'checking';
      readonly reason: LossReason;
      readonly sent: number;
      readonly probeAt: Instant;
      /** Without an answer by then the path is lost. */
      readonly until: Instant;
    };

export interface Searching {
  readonly kind: 'searching';
  readonly since: Instant;
  readonly until: Instant;
  readonly roundAt: Instant;
  /** Searches in a row that came to nothing. */
  readonly failures: number;
}

export interface Connected {
  readonly kind: 'connected';
  readonly since: Instant;
  readonly entry: CandidateEntry;
  readonly liveness: Liveness;
  /** Data went out then and nothing has come back on the path since. */
  readonly unansweredSince: Instant | undefined;
  /** The next round of probes to the other candidates: frequent until `settledAt`, rare afterwards. */
  readonly roundAt: Instant;
  readonly settledAt: Instant;
  /** Data of the peer came on the path. */
  readonly lastDataAt: Instant | undefined;
  /** Data of ours went out after it. */
  readonly spoke: boolean;
  /** Rare rounds since then. */
  readonly explored: number;
  /** When the peer is asked what came of the data, and how many packets that was since it was asked last. */
  readonly reportAt: Instant | undefined;
  readonly unreportedPackets: number;
}

export type State =
  | { readonly kind: 'idle'; readonly since: Instant; readonly wakeAt?: Instant }
  | Searching
  | Connected
  | { readonly kind: 'waiting'; readonly since: Instant; readonly retryAt: Instant; readonly failures: number };

/** When data is unanswered for so long that it may be lost: 500 ms, and more on a slow path. */
export function dataDoubtAt({ unansweredSince, entry }: Connected): Instant | undefined {
  if (unansweredSince === undefined) return undefined;
  const patience = Math.max(DATA_ANSWER_TIME, DATA_ANSWER_RTTS * (entry.confirmation?.rtt ?? 0));
  return addDuration(unansweredSince, milliseconds(patience));
}

/** What goes out now is most likely an answer itself, and the last word: it is nothing to wait for an answer to. */
export function isAnswering({ lastDataAt }: Connected, now: Instant): boolean {
  return lastDataAt !== undefined && durationBetween(lastDataAt, now) < ANSWERING_TIME;
}

/** Data is unanswered, and so is more than one probe: whatever else works is better than this. */
export function isInDoubt({ liveness }: Connected): boolean {
  return liveness.kind === 'checking' && liveness.reason === 'data-unanswered' && liveness.sent >= 2;
}

export function livenessWakeup(liveness: Liveness): Wakeup {
  switch (liveness.kind) {
    case 'steady':
      return { at: liveness.keepaliveAt, reason: 'path: keepalive' };
    case 'checking':
      return liveness.until <= liveness.probeAt
        ? { at: liveness.until, reason: 'path: give it up' }
        : { at: liveness.probeAt, reason: `path: check ${liveness.sent + 1}` };
    default:
      return assertNever(liveness);
  }
}

export function wakeup(at: Instant | undefined, reason: string): Wakeup | undefined {
  return at === undefined ? undefined : { at, reason };
}
