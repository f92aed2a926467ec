// When each state of the path agent has something to do next, and what. Used by path-search.ts.

import { assertNever, earliestWakeup, type Instant, type Wakeup } from '@shadownet/primitives';
import { dataDoubtAt } from './liveness.js';
import type { Connected, State } from './path-state.js';

/** Deadlines that do not follow from the state alone. */
export interface OtherDeadlines {
  readonly idleAt: Instant | undefined;
  readonly guessAt: Instant | undefined;
}

export function nextDeadline(state: State, { idleAt, guessAt }: OtherDeadlines): Wakeup | undefined {
  const idle = wakeup(idleAt, 'path: go quiet');
  const guess = wakeup(guessAt, 'path: guess ports');
  switch (state.kind) {
    case 'idle':
      return wakeup(state.wakeAt, 'path: look for a direct one');
    case 'searching':
      return earliestWakeup(
        { at: state.roundAt, reason: 'path: probe all candidates' },
        { at: state.until, reason: 'path: pause the search' },
        guess,
        idle,
      );
    case 'waiting':
      return earliestWakeup({ at: state.retryAt, reason: 'path: search again' }, guess, idle);
    case 'connected':
      return earliestWakeup(
        { at: state.roundAt, reason: 'path: look for a better one' },
        ...livenessDeadlines(state),
        wakeup(state.reportAt, 'path: ask what came of the data'),
        wakeup(state.entry.sizes.pollTimeout(), 'path: try sizes'),
        idle,
      );
    default:
      return assertNever(state);
  }
}

function livenessDeadlines(state: Connected): readonly (Wakeup | undefined)[] {
  const { liveness } = state;
  switch (liveness.kind) {
    case 'steady':
      return [
        { at: liveness.keepaliveAt, reason: 'path: keepalive' },
        wakeup(dataDoubtAt(state), 'path: data unanswered'),
      ];
    case 'checking':
      return [
        liveness.until <= liveness.probeAt
          ? { at: liveness.until, reason: 'path: give it up' }
          : { at: liveness.probeAt, reason: `path: check ${liveness.sent + 1}` },
      ];
    default:
      return assertNever(liveness);
  }
}

function wakeup(at: Instant | undefined, reason: string): Wakeup | undefined {
  return at === undefined ? undefined : { at, reason };
}
