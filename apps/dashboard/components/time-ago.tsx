'use client';
// An instant as its age on the server's clock; the exact time in the viewer's zone is in the tooltip.

import { exactTimeFormat, formatTimeAgo } from '../src/relative-time';
import { useServerTime } from './live-data-provider';

const formatExactTime = exactTimeFormat();

export function TimeAgo({ instant, never = '–' }: { instant: string | null; never?: string }) {
  const text = useServerTime((now) => (instant === null ? '' : formatTimeAgo(instant, now)));
  if (instant === null || text === undefined) return <span className="text-muted">{never}</span>;
  return (
    <time dateTime={instant} title={formatExactTime(instant)}>
      {text}
    </time>
  );
}
