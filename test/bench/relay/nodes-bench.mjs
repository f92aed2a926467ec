// `node test/bench/relay/nodes-bench.mjs [rounds] [seconds] [data plane]`: looks whether a lab can be laid out at all, then runs
// main.ts beside it, which says what is measured. Needs root, iperf3, and what `npm run build` makes.
import { isInstalled, whyNoLab } from '../../lab/requirements.mjs';
import { loadTypeScript } from '../../load-typescript.mjs';

const [rounds = '3', seconds = '4', dataPlane = 'auto'] = process.argv.slice(2);
const reason = whyNoLab() ?? (isInstalled('iperf3') ? undefined : 'not installed: iperf3');
if (reason === undefined) {
  const { runNodesBench } = await loadTypeScript('bench/relay');
  await runNodesBench({ rounds: Number(rounds), seconds: Number(seconds), dataPlane });
  process.exit();
}
process.stderr.write(`The benchmark cannot run: ${reason}\n`);
process.exitCode = 1;
