// Measures what a relay costs two real nodes: one TCP stream between them in the lab's two-NAT mesh, direct, by the relay over UDP and by
// the relay over a WebSocket, in turn within each round. Packet filters of the routers force each way; nodes and relay stay the
// same. Prints every round, then medians and the median of the ratios within a round, also as a section of a report. Started by
// nodes-bench.mjs.
import { loadavg } from 'node:os';
import { eventually } from '../../lab/eventually.js';
import { Lab } from '../../lab/lab.js';
import { TwoNatMesh } from '../../mesh/two-nat-mesh.js';
import { transfer } from '../iperf.js';
import { describeMachine } from '../machine.js';
import { writeSection } from '../report-file.js';
import { median } from '../statistics.js';

export interface NodesBenchOptions {
  readonly rounds: number;
  readonly seconds: number;
  /** As `shadownet-node up --dataplane` takes it. */
  readonly dataPlane: string;
  /** In this order; `direct` is needed for ratios. */
  readonly ways: readonly Way[];
  /** The report whose section is replaced; none if undefined. */
  readonly file: string | undefined;
}

type Way = 'direct' | 'udp' | 'websocket';

const NAME: Readonly<Record<Way, string>> = { direct: 'direct', udp: 'relay by UDP', websocket: 'relay by WebSocket' };

const PATIENCE_MS = 60_000;
/** TCP takes this long to find the speed of a path that has just changed. */
const WARM_UP_SECONDS = 1;

type Round = Readonly<Record<Way, number>>;

export async function runNodesBench(options: NodesBenchOptions): Promise<void> {
  const { rounds, seconds, dataPlane, ways, file } = options;
  const loadAverage = loadavg();
  const lab = await Lab.create();
  let mesh: TwoNatMesh | undefined;
  try {
    mesh = await TwoNatMesh.layOut(lab, { flags: ['--dataplane', dataPlane] });
    const { ipB } = await mesh.start();
    const results: Round[] = [];
    for (let round = 0; round < rounds; round++) {
      const rates = {} as Record<Way, number>;
      for (const way of ways) {
        const force = filtersFor(way, mesh);
        for (const rule of force) await mesh.natA.run(['iptables', '-I', 'FORWARD', ...rule]);
        await comeBy(way, mesh, ipB);
        await measure(mesh, ipB, WARM_UP_SECONDS);
        rates[way] = await measure(mesh, ipB, seconds);
        for (const rule of force) await mesh.natA.run(['iptables', '-D', 'FORWARD', ...rule]);
      }
      results.push(rates);
      print(`round ${round + 1}: ${ways.map((way) => `${NAME[way]} ${mbit(rates[way])}`).join(', ')}`);
    }
    for (const way of ways) {
      const rate = median(results.map((rates) => rates[way]));
      const ratio = median(results.map((rates) => rates[way] / rates.direct));
      print(`${NAME[way]}: ${mbit(rate)}, ${(ratio * 100).toFixed(0)} % of direct (medians of ${rounds})`);
    }
    if (file !== undefined) await writeSection(file, 'relayed-nodes', await report(options, results, loadAverage));
    print(`counters of the sender: ${JSON.stringify((await mesh.nodeA.status()).counters)}`);
  } finally {
    mesh?.stopFollowing();
    await lab.dispose();
  }
}

/** Markdown without the markers around it. */
async function report(options: NodesBenchOptions, results: readonly Round[], loadAverage: number[]): Promise<string> {
  const { rounds, seconds, dataPlane, ways } = options;
  const { date, commit } = await describeMachine(loadAverage);
  const span = (values: readonly number[], show: (value: number) => string): string =>
    `${show(median(values))} (${show(Math.min(...values))}–${show(Math.max(...values))})`;
  const rows = ways.map((way) => {
    const rates = results.map((round) => round[way]);
    const ratios = results.map((round) => round[way] / round.direct);
    return `| ${NAME[way]} | ${span(rates, mbit)} | ${span(ratios, (ratio) => `${(ratio * 100).toFixed(0)} %`)} |`;
  });
  return [
    '## Two nodes by a relay',
    `Measured on ${date} at commit ${commit}: one TCP stream between two nodes behind two NATs, \`--dataplane ${dataPlane}\`, with the relay in the control ` +
      `server, all on the same two cores; medians of ${String(rounds)} rounds, (min–max), ${String(seconds)} s for each way in turn. Again, as root: ` +
      `\`node test/bench/relay/nodes-bench.mjs ${String(rounds)} ${String(seconds)} ${dataPlane} ${ways.join(',')}\``,
    ['| way | TCP, 1 stream | of the direct path, same round |', '| --- | ---: | ---: |', ...rows].join('\n'),
  ].join('\n\n');
}

/** What node A's router drops, so that no other way is left. */
function filtersFor(way: Way, { natB }: TwoNatMesh): string[][] {
  switch (way) {
    case 'direct':
      return [];
    case 'udp':
      return ['-s', '-d'].map((end) => ['-p', 'udp', end, natB.address, '-j', 'DROP']);
    case 'websocket':
      return [['-p', 'udp', '-j', 'DROP']];
  }
}

async function comeBy(way: Way, mesh: TwoNatMesh, ipB: string): Promise<void> {
  await eventually(`the way ${NAME[way]}`, PATIENCE_MS, async () => {
    // Something to say, without which nobody looks for a path.
    await mesh.hostA.tryRun(['ping', '-c', '1', '-W', '1', ipB]);
    const { peers, relays } = await mesh.nodeA.status();
    if (way === 'direct') return peers[0]?.path === 'direct' ? true : undefined;
    const transport = way === 'udp' ? 'udp' : 'stream';
    const isThere = peers[0]?.path === 'relay' && relays.some(({ home, transport: by }) => home && by === transport);
    return isThere ? true : undefined;
  });
}

/** In bytes per second. */
async function measure(mesh: TwoNatMesh, target: string, seconds: number): Promise<number> {
  const load = { kind: 'tcp', streams: 1, directions: 'one' } as const;
  const { bytes, seconds: taken } = await transfer({ from: mesh.hostA, to: mesh.hostB, target, seconds, load });
  return bytes / taken;
}

function mbit(rate: number): string {
  return `${((rate * 8) / 1e6).toFixed(0)} Mbit/s`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
