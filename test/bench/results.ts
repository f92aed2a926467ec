// Everything that a run of the benchmark found: values by contender, metric and round, and what failed.
import { type Measurements, type MetricId } from './metric.js';
import { pairedRatios, type Summary, summarize } from './statistics.js';

export interface Failure {
  readonly contender: string;
  readonly round: number;
  readonly what: string;
  readonly reason: string;
}

export class Results {
  readonly failures: Failure[] = [];
  readonly #values = new Map<string, Map<number, number>>();

  record(contender: string, round: number, measurements: Measurements): void {
    for (const [metric, value] of Object.entries(measurements)) {
      const key = keyOf(contender, metric);
      const rounds = this.#values.get(key) ?? new Map<number, number>();
      this.#values.set(key, rounds.set(round, value));
    }
  }

  recordFailure(failure: Failure): void {
    this.failures.push(failure);
  }

  has(contender: string, metric: MetricId): boolean {
    return this.#values.has(keyOf(contender, metric));
  }

  summary(contender: string, metric: MetricId): Summary | undefined {
    return summarize([...this.#rounds(contender, metric).values()]);
  }

  /** How one number relates to another, made round by round. */
  ratio(above: readonly [string, MetricId], below: readonly [string, MetricId]): Summary | undefined {
    return summarize(pairedRatios(this.#rounds(...above), this.#rounds(...below)));
  }

  #rounds(contender: string, metric: string): ReadonlyMap<number, number> {
    return this.#values.get(keyOf(contender, metric)) ?? new Map<number, number>();
  }
}

function keyOf(contender: string, metric: string): string {
  return `${contender} ${metric}`;
}
