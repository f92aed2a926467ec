// The last minute of traffic as a line without axes. Decoration: the figures beside it say the same.

import { sparklinePoints } from '../src/sparkline-shape';
import { HISTORY_LENGTH } from '../src/traffic-rate';

const WIDTH = 96;
const HEIGHT = 22;

export function Sparkline({ values }: { values: readonly number[] }) {
  const points = sparklinePoints(values, WIDTH, HEIGHT, HISTORY_LENGTH);
  return (
    <svg viewBox={`0 -2 ${WIDTH} ${HEIGHT + 4}`} width={WIDTH} height={HEIGHT + 4} className="block" aria-hidden="true">
      <path d={`M0 ${HEIGHT + 0.5}H${WIDTH}`} className="stroke-line" />
      {points && (
        <polyline points={points} fill="none" className="stroke-accent" strokeWidth="1.25" strokeLinejoin="round" />
      )}
    </svg>
  );
}
