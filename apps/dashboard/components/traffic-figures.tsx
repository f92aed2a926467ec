// Bytes of one direction: what flows now above what has flowed in all.

import type { TrafficView } from '../src/mesh-view';
import { formatBytes, formatRate } from '../src/format-bytes';

const COUNTERS = { rx: 'rxBytes', tx: 'txBytes' } as const;

export function TrafficFigures({ traffic, direction }: { traffic: TrafficView; direction: 'rx' | 'tx' }) {
  const rate = traffic.rate?.[direction];
  return (
    <>
      <RateFigure rate={rate} />
      <span className="block text-note text-muted">{formatBytes(traffic[COUNTERS[direction]])}</span>
    </>
  );
}

/** Both directions in one narrow cell, for screens without room for two columns. */
export function TrafficPair({ traffic }: { traffic: TrafficView }) {
  return (
    <>
      <span className="block">
        <Arrow direction="rx" />
        {traffic.rate ? formatRate(traffic.rate.rx) : formatBytes(traffic.rxBytes)}
      </span>
      <span className="block">
        <Arrow direction="tx" />
        {traffic.rate ? formatRate(traffic.rate.tx) : formatBytes(traffic.txBytes)}
      </span>
    </>
  );
}

export function Arrow({ direction }: { direction: 'rx' | 'tx' }) {
  return (
    <>
      <span className="sr-only">{direction === 'rx' ? 'in ' : 'out '}</span>
      <span aria-hidden="true" className="mr-1 text-muted">
        {direction === 'rx' ? '↓' : '↑'}
      </span>
    </>
  );
}

function RateFigure({ rate }: { rate: number | undefined }) {
  if (rate === undefined) return <span className="block">&nbsp;</span>;
  return <span className={rate >= 1 ? 'block' : 'block text-muted'}>{formatRate(rate)}</span>;
}
