'use client';
// Whether the page shows the present: live, or how old what it shows is.

import { formatAge, ageOf } from '../src/relative-time';
import { useServerTime } from './live-data-provider';
import type { MeshPoll } from './use-mesh';

const LABELS = {
  loading: 'Connecting',
  'signed-out': 'Signed out',
  live: 'Live',
  stale: 'Stale',
  failed: 'No connection',
} as const;

const COLOURS = {
  loading: 'text-muted',
  'signed-out': 'text-muted',
  live: 'text-good',
  stale: 'text-attention',
  failed: 'text-danger',
} as const;

export function LiveIndicator({ poll }: { poll: MeshPoll }) {
  return (
    <p className={`inline-flex items-baseline gap-x-2 text-cell font-medium ${COLOURS[poll.kind]}`}>
      <span
        aria-hidden="true"
        className={`size-2 rounded-full bg-current ${poll.kind === 'live' ? 'motion-safe:animate-pulse' : ''}`}
      />
      <span role="status">
        <span className="sr-only">Data: </span>
        {LABELS[poll.kind]}
      </span>
      {poll.kind === 'stale' && <DataAge serverTime={poll.mesh.serverTime} />}
    </p>
  );
}

/** Outside of the status that assistive technology reads out: it changes every second. */
function DataAge({ serverTime }: { serverTime: string }) {
  const age = useServerTime((now) => formatAge(ageOf(serverTime, now)));
  return <span className="font-normal"> · data is {age} old</span>;
}
