/** A round-trip time as `ping` readers expect it: `0.4 ms`, `12 ms`, `1.2 s`. */
export function formatRtt(milliseconds: number): string {
  if (milliseconds < 9.95) return `${milliseconds.toFixed(1)} ms`;
  if (milliseconds < 999.5) return `${milliseconds.toFixed(0)} ms`;
  return `${(milliseconds / 1_000).toFixed(1)} s`;
}

/** The least and the greatest of several: `0.4 ms – 38 ms`, or one figure if both read the same. Empty without any. */
export function formatRttRange(rtts: readonly number[]): string {
  if (rtts.length === 0) return '';
  const [least, most] = [formatRtt(Math.min(...rtts)), formatRtt(Math.max(...rtts))];
  return least === most ? least : `${least} – ${most}`;
}
