// The statistics of the benchmark: medians with their range, percentiles, and ratios of what was measured in the same round.

export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
}

/** Undefined without values. */
export function summarize(values: readonly number[]): Summary | undefined {
  if (values.length === 0) return undefined;
  return { median: median(values), min: Math.min(...values), max: Math.max(...values), count: values.length };
}

/** The middle value, or the mean of the two in the middle. NaN without values. */
export function median(values: readonly number[]): number {
  const sorted = ascending(values);
  const upper = sorted[sorted.length >> 1] ?? NaN;
  if (sorted.length % 2 === 1) return upper;
  return ((sorted[(sorted.length >> 1) - 1] ?? NaN) + upper) / 2;
}

/** Nearest rank: the smallest value that at least `percent` % of all do not exceed. NaN without values. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = ascending(values);
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length));
  return sorted[rank - 1] ?? NaN;
}

/**
 * Numerator over denominator round by round, of the rounds that have both. Two measurements of one round lie minutes apart, two
 * of different rounds may lie an hour apart on a machine that others use too; so ratios are made first and the median after.
 */
export function pairedRatios(
  numerators: ReadonlyMap<number, number>,
  denominators: ReadonlyMap<number, number>,
): number[] {
  return [...numerators].flatMap(([round, numerator]) => {
    const denominator = denominators.get(round);
    return denominator === undefined || denominator === 0 ? [] : [numerator / denominator];
  });
}

function ascending(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}
