// Resident memory over time, and whether it grows: the middle of the last quarter beside that of the first after a warm-up.

export interface MemorySample {
  readonly atMs: number;
  readonly bytes: number;
}

/** In which code is compiled, heaps find their size and buffers are made: this part of a run is left out. */
const WARM_UP = 0.25;

/** Bytes between the medians of the first and the last quarter of what follows the warm-up; 0 with fewer than four samples. */
export function memoryGrowth(samples: readonly MemorySample[]): number {
  const end = samples.at(-1)?.atMs ?? 0;
  const steady = samples.filter(({ atMs }) => atMs >= WARM_UP * end).map(({ bytes }) => bytes);
  const quarter = Math.floor(steady.length / 4);
  if (quarter === 0) return 0;
  return median(steady.slice(-quarter)) - median(steady.slice(0, quarter));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
