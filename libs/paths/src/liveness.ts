// Whether the path in use still works: what data and probes say of it, when it is to be checked, and when it is lost.
// Functions of the agent's state, used by path-search.ts.

import type { RandomBytes } from '@shadownet/crypto';
import { addDuration, type Duration, type Instant, milliseconds } from '@shadownet/primitives';
import { jittered } from './jitter.js';
import {
  CHECK_INTERVAL,
  CHECK_PROBES,
  DATA_ANSWER_RTTS,
  DATA_ANSWER_TIME,
  DATA_LOSS_TIME,
  DATA_LOSS_TIME_WITHOUT_RELAY,
  KEEPALIVE_INTERVAL,
  LONGEST_UNMEASURED,
  SILENCE_TIME,
} from './path-constants.js';
import type { LossReason } from './path-event.js';
import type { Checking, Connected, Steady } from './path-state.js';

/** Probed successfully `rtt` ago: the next keepalive counts from then. */
export function steady(rtt: Duration, now: Instant, random: RandomBytes): Steady {
  const interval = jittered(KEEPALIVE_INTERVAL, random);
  return { kind: 'steady', keepaliveAt: addDuration(now, milliseconds(Math.max(0, interval - rtt))) };
}

/** Data of the peer came on the path of `state`, which is changed by it. */
export function noteDataReceived(state: Connected, now: Instant, random: RandomBytes): void {
  // A conversation that goes on after something of ours is as good as the answer to a keepalive, but it measures no RTT.
  const goesOn = state.data.noteReceived(now) && state.liveness.kind === 'steady';
  if (!goesOn || !state.entry.confirmedWithin(LONGEST_UNMEASURED, now)) return;
  state.liveness = steady(milliseconds(0), now, random);
}

/** When data is unanswered for so long that it may be lost: 500 ms, and more on a slow path. */
export function dataDoubtAt({ data, entry }: Connected): Instant | undefined {
  const { unansweredSince } = data;
  if (unansweredSince === undefined) return undefined;
  const patience = Math.max(DATA_ANSWER_TIME, DATA_ANSWER_RTTS * (entry.confirmation?.rtt ?? 0));
  return addDuration(unansweredSince, milliseconds(patience));
}

/** When a peer that had been sending has been silent for so long that it may not reach us any more. */
export function silenceDoubtAt({ data }: Connected): Instant | undefined {
  return data.runEndedAt === undefined ? undefined : addDuration(data.runEndedAt, SILENCE_TIME);
}

/** Data is missing, and more than one probe was not answered: whatever else works is better than this. */
export function isInDoubt({ liveness }: Connected): boolean {
  if (liveness.kind !== 'checking' || liveness.sent < 2) return false;
  return liveness.reason === 'data-unanswered' || liveness.reason === 'data-stopped';
}

/** Whether data may be lost on the path, so that it must go over a relay, too. */
export function needsDuplicates(state: Connected): boolean {
  const { liveness } = state;
  if (liveness.kind !== 'checking') return false;
  // Most peers that fall silent have nothing to say.
  if (liveness.reason === 'data-stopped') return isInDoubt(state);
  // A peer that calls has the same doubt, and may have had it earlier: what answers its data must not be lost either. One that speaks from
  // elsewhere may have closed the socket that our path leads to.
  return ['data-unanswered', 'peer-searches', 'peer-moved'].includes(liveness.reason);
}

/** A check that begins now. Data is waited for from the moment at which it went out, and longer where there is no relay. */
export function check(reason: LossReason, state: Connected, hasRelay: boolean, now: Instant): Checking {
  const patience = hasRelay ? DATA_LOSS_TIME : DATA_LOSS_TIME_WITHOUT_RELAY;
  const until =
    reason === 'data-unanswered'
      ? addDuration(state.data.unansweredSince ?? now, patience)
      : addDuration(now, milliseconds(CHECK_PROBES * CHECK_INTERVAL));
  return { kind: 'checking', reason, sent: 0, probeAt: now, until };
}

/** Of a check: one more probe goes out now. */
export function afterCheckProbe(checking: Checking, now: Instant): Checking {
  return { ...checking, sent: checking.sent + 1, probeAt: addDuration(now, CHECK_INTERVAL) };
}

export type LivenessStep =
  | { readonly kind: 'suspect'; readonly reason: LossReason }
  | { readonly kind: 'lose'; readonly reason: LossReason }
  | { readonly kind: 'probe'; readonly checking: Checking };

/** What is due now. */
export function livenessStep(state: Connected, now: Instant): LivenessStep | undefined {
  const { liveness } = state;
  if (liveness.kind === 'checking') {
    if (now >= liveness.until) return { kind: 'lose', reason: liveness.reason };
    return now >= liveness.probeAt ? { kind: 'probe', checking: liveness } : undefined;
  }
  if (now >= liveness.keepaliveAt) return { kind: 'suspect', reason: 'keepalive-unanswered' };
  const doubtAt = dataDoubtAt(state);
  if (doubtAt !== undefined && now >= doubtAt) return { kind: 'suspect', reason: 'data-unanswered' };
  const silenceAt = silenceDoubtAt(state);
  return silenceAt !== undefined && now >= silenceAt ? { kind: 'suspect', reason: 'data-stopped' } : undefined;
}
