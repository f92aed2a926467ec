// `node test/bench/relay/nodes-bench.mjs [rounds] [seconds] [data plane] [ways] [file]`: looks whether a lab can be laid out at all, then
// runs main.ts beside it, which says what is measured, and writes a section of the file if there is one (docs/benchmarks.md). Ways are
// some of direct,udp,websocket; a WebSocket is left for UDP after half a minute only, which each round then takes longer. Needs root,
// iperf3, and what `npm run build` makes.
import { isInstalled, whyNoLab } from '../../lab/requirements.mjs';
import { loadTypeScript } from '../../load-typescript.mjs';

const [rounds = '3', seconds = '4', dataPlane = 'auto', ways = 'direct,udp,websocket', file] = process.argv.slice(2);
const reason = whyNoLab() ?? (isInstalled('iperf3') ? undefined : 'not installed: iperf3');
if (reason === undefined) {
  const { runNodesBench } = await loadTypeScript('bench/relay');
  await runNodesBench({ rounds: Number(rounds), seconds: Number(seconds), dataPlane, ways: ways.split(','), file });
  process.exit();
}
process.stderr.write(`The benchmark cannot run: ${reason}\n`);
process.exitCode = 1;
