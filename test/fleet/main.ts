// `npm run fleet [-- --nodes 10000] [--seed 1]`: the fleet of test/simulation at any size, and what came of it with the time it took.

import { parseArgs } from 'node:util';
import { runFleet } from '../simulation/path-fleet.js';

const SHOWN = 10;

/** Returns the exit code: 0 if every pair has the path that the table of expectations says. */
export function runFleetProgram(argv: readonly string[]): number {
  const { values } = parseArgs({
    args: [...argv],
    options: { nodes: { type: 'string', default: '10000' }, seed: { type: 'string', default: '1' } },
  });
  const before = process.cpuUsage();
  const start = performance.now();
  const { wrong, ...report } = runFleet({ nodes: Number(values.nodes), seed: Number(values.seed) });
  const { user, system } = process.cpuUsage(before);
  const cost = {
    wallSeconds: Math.round(performance.now() - start) / 1000,
    processorSeconds: Math.round((user + system) / 1000) / 1000,
    residentMegabytes: Math.round(process.memoryUsage().rss / 1e6),
  };
  process.stdout.write(`${JSON.stringify({ ...report, wrong: wrong.length, ...cost }, null, 2)}\n`);
  for (const each of wrong.slice(0, SHOWN)) process.stdout.write(`${each}\n`);
  return wrong.length > 0 ? 1 : 0;
}
