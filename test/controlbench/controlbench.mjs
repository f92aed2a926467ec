// `npm run bench:control [-- --nodes N]`: one control server with a database file, and a fleet of nodes that sign, heartbeat and
// listen; 10,000 by default. Needs `npm run build` and as many open files (`ulimit -n`). The results go to docs/benchmarks.md.
import { parseArgs } from 'node:util';
import { loadTypeScript } from '../load-typescript.mjs';

const { values } = parseArgs({ options: { nodes: { type: 'string' }, 'no-report': { type: 'boolean' } } });
const nodes = Number(values.nodes ?? '10000');
if (Number.isInteger(nodes) && nodes >= 100 && nodes <= 60_000) {
  const { benchControl } = await loadTypeScript('controlbench');
  process.exit(await benchControl(nodes, values['no-report'] !== true));
}
process.stderr.write(`"${values.nodes}" is not a number of nodes from 100 to 60000\n`);
process.exitCode = 1;
