// The line of a sparkline as the `points` of an SVG polyline.

/** Below this peak (bytes per second) the line stays low: keepalives should not look like a storm. */
const QUIET_PEAK = 2_048;

/**
 * Points for `values` (≥ 0, oldest first) in a box of `width` × `height`, y downwards. The newest value is at the right
 * edge and `slots` values fill the box. Empty for fewer than two values: a point is not a line.
 */
export function sparklinePoints(values: readonly number[], width: number, height: number, slots: number): string {
  if (values.length < 2) return '';
  const peak = Math.max(QUIET_PEAK, ...values);
  const step = width / (slots - 1);
  const left = width - (values.length - 1) * step;
  return values
    .map((value, index) => `${round(left + index * step)},${round(height - (value / peak) * height)}`)
    .join(' ');
}

function round(coordinate: number): number {
  return Math.round(coordinate * 10) / 10;
}
