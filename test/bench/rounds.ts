// The benchmark proper: round by round each contender takes its turn through all cases. A case that fails is noted, and the rest
// goes on.
import { type BenchCase, type CaseSettings } from './bench-case.js';
import { type Contender } from './contender.js';
import { transfer } from './iperf.js';
import { type Measurements, metricOf, type MetricId } from './metric.js';
import { formatValue, shownUnit } from './number-format.js';
import { type Results } from './results.js';
import { type TestBed, withTestBed } from './test-bed.js';

const WARM_UP_SECONDS = 2;

export interface RoundPlan extends CaseSettings {
  readonly rounds: number;
  readonly cases: readonly BenchCase[];
  readonly contenders: readonly Contender[];
}

/** Adds what the round finds to `results`. */
export async function runRound(plan: RoundPlan, round: number, results: Results): Promise<void> {
  for (const contender of plan.contenders) await new Turn(plan, contender, round, results).run();
}

/** One contender in one round, on a test bed of its own. */
class Turn {
  readonly #cases: readonly BenchCase[];

  constructor(
    private readonly plan: RoundPlan,
    private readonly contender: Contender,
    private readonly round: number,
    private readonly results: Results,
  ) {
    this.#cases = plan.cases.filter(({ needs }) => needs === 'wire' || contender.kind === 'tunnel');
  }

  async run(): Promise<void> {
    if (this.#cases.length === 0) return;
    process.stdout.write(`\nRound ${String(this.round)} of ${String(this.plan.rounds)}: ${this.contender.title}\n`);
    await this.#attempt('set-up', async () => {
      await withTestBed(this.contender, async (bed) => {
        for (const benchCase of this.#cases.filter(({ when }) => when === 'cold')) await this.#measure(benchCase, bed);
        const warm = this.#cases.filter(({ when }) => when === 'warm');
        if (warm.length > 0) await this.#attempt('warm-up', () => warmUp(bed));
        for (const benchCase of warm) await this.#measure(benchCase, bed);
      });
    });
  }

  async #measure(benchCase: BenchCase, bed: TestBed): Promise<void> {
    await this.#attempt(benchCase.id, async () => {
      const measurements = await benchCase.run(bed, this.plan);
      this.results.record(this.contender.id, this.round, measurements);
      for (const line of describe(measurements)) process.stdout.write(`  ${line}\n`);
    });
  }

  async #attempt(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.results.recordFailure({ contender: this.contender.id, round: this.round, what, reason });
      process.stdout.write(`  ${what} failed: ${reason}\n`);
    }
  }
}

/** What is compiled at run time is compiled by then, and TCP knows the path. */
async function warmUp({ left: from, right: to, target }: TestBed): Promise<void> {
  const load = { kind: 'tcp', streams: 2, directions: 'both' } as const;
  await transfer({ from, to, target, seconds: WARM_UP_SECONDS, load });
}

function describe(measurements: Measurements): string[] {
  return (Object.entries(measurements) as [MetricId, number][]).map(([id, value]) => {
    const { title, unit } = metricOf(id);
    return `${title}: ${formatValue(value, unit)} ${shownUnit(unit)}`;
  });
}
