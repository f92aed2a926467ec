// From the start of the process to the first answered ping. The far end runs already; the near one is started, and a shell script
// configures it as soon as its socket is there, as a network manager would.
import { type BenchCase } from '../bench-case.js';
import { median } from '../statistics.js';
import { newTunnel, type TestBed } from '../test-bed.js';
import { type TunnelContender } from '../contender.js';

/** Apart from the tunnel of the other cases, which is up at the same time. */
const LEFT = '10.98.0.1';
const RIGHT = '10.98.0.2';
const FIRST_PORT = 51_900;

const REPETITIONS = 3;

export const startCase: BenchCase = {
  id: 'start',
  metrics: ['start'],
  needs: 'tunnel',
  when: 'cold',
  async run(bed) {
    const { contender } = bed;
    if (contender.kind !== 'tunnel') throw new Error(`${contender.title} is not a program`);
    const times: number[] = [];
    for (let index = 0; index < REPETITIONS; index += 1)
      times.push(await measureStart(bed, contender, FIRST_PORT + index));
    return { start: median(times) };
  },
};

async function measureStart(bed: TestBed, contender: TunnelContender, port: number): Promise<number> {
  const { left, right } = newTunnel(bed, contender, { left: LEFT, right: RIGHT, port });
  try {
    await right.start();
    const startedAt = performance.now();
    await left.startAndRun(['ping', '-n', '-c', '1', '-i', '0.02', '-w', '10', RIGHT]);
    return performance.now() - startedAt;
  } finally {
    await left.stop();
    await right.stop();
  }
}
