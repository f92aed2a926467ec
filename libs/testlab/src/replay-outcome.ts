// Whether a replay came to what its recording had: the same decisions, or the same verdict by others, or another verdict. Pure.

import { explain, type Recording, type TimelinePath } from '@shadownet/paths';

/** Where data went from then on, or no more. Without times, which are jittered. */
export interface PathDecision {
  readonly kind: 'selected' | 'lost';
  /** `relay`, or a remote endpoint. */
  readonly path: string;
}

export type ReplayOutcome =
  | { readonly kind: 'same-decisions' }
  /** Other paths on the way, as where two candidates are about equally fast. */
  | { readonly kind: 'same-verdict' }
  | { readonly kind: 'differs'; readonly verdict: string };

export function compareReplay(recording: Recording, replayed: Recording): ReplayOutcome {
  const [before, after] = [explain(recording), explain(replayed)];
  if (before.path !== after.path || before.verdict !== after.verdict) {
    return { kind: 'differs', verdict: after.verdict };
  }
  const [decided, decidedAgain] = [decisionsOf(recording), decisionsOf(replayed)].map((all) => JSON.stringify(all));
  return { kind: decided === decidedAgain ? 'same-decisions' : 'same-verdict' };
}

/** From the first search on: what was before is lost if a recording lacks its beginning. */
export function decisionsOf({ entries }: Recording): PathDecision[] {
  const start = Math.max(
    0,
    entries.findIndex(({ kind }) => kind === 'search'),
  );
  return entries.slice(start).flatMap((entry) => {
    if (entry.kind !== 'selected' && entry.kind !== 'lost') return [];
    return [{ kind: entry.kind, path: pathText(entry.path) }];
  });
}

function pathText(path: TimelinePath): string {
  return path.kind === 'relay' ? 'relay' : path.remote;
}
