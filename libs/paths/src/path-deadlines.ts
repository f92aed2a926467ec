// When each state of the path agent has something to do next, and what. Used by path-search.ts, after every packet.

import { assertNever, type Instant, type Wakeup } from '@shadownet/primitives';
import { dataDoubtAt, silenceDoubtAt } from './liveness.js';
import type { Connected, State } from './path-state.js';

/** Deadlines that do not follow from the state alone. */
export interface OtherDeadlines {
  readonly idleAt: Instant | undefined;
  readonly guessAt: Instant | undefined;
}

export function nextDeadline(state: State, { idleAt, guessAt }: OtherDeadlines): Wakeup | undefined {
  switch (state.kind) {
    case 'idle':
      return sooner(undefined, state.wakeAt, 'path: look for a direct one');
    case 'searching': {
      const round = sooner(undefined, state.roundAt, 'path: probe all candidates');
      const pause = sooner(round, state.until, 'path: pause the search');
      return sooner(sooner(pause, guessAt, GUESS), idleAt, IDLE);
    }
    case 'waiting': {
      const retry = sooner(undefined, state.retryAt, 'path: search again');
      return sooner(sooner(retry, guessAt, GUESS), idleAt, IDLE);
    }
    case 'connected': {
      const liveness = livenessDeadline(state);
      const round = sooner(liveness, state.roundAt, 'path: look for a better one');
      const report = sooner(round, state.data.reportAt, 'path: ask what came of the data');
      const sizes = sooner(report, state.entry.sizesDueAt, 'path: try sizes');
      return sooner(sizes, idleAt, IDLE);
    }
    default:
      return assertNever(state);
  }
}

const GUESS = 'path: guess ports';
const IDLE = 'path: go quiet';

function livenessDeadline(state: Connected): Wakeup | undefined {
  const { liveness } = state;
  switch (liveness.kind) {
    case 'steady':
      return sooner(
        sooner({ at: liveness.keepaliveAt, reason: 'path: keepalive' }, dataDoubtAt(state), 'path: data unanswered'),
        silenceDoubtAt(state),
        'path: data stopped',
      );
    case 'checking':
      return liveness.until <= liveness.probeAt
        ? { at: liveness.until, reason: 'path: give it up' }
        : { at: liveness.probeAt, reason: `path: check ${liveness.sent + 1}` };
    default:
      return assertNever(liveness);
  }
}

/** `wakeup`, unless there is an earlier one at `at`. */
function sooner(wakeup: Wakeup | undefined, at: Instant | undefined, reason: string): Wakeup | undefined {
  return at === undefined || (wakeup && wakeup.at <= at) ? wakeup : { at, reason };
}
