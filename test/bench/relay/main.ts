// Measures what a relay costs two real nodes: one TCP stream between them in the lab's two-NAT mesh, direct, by the relay over UDP and by
// the relay over a WebSocket, in turn within each round. Packet filters of the routers force each way; nodes and relay stay the
// same. Prints every round, then medians and the median of the ratios within a round. Started by nodes-bench.mjs.
import { eventually } from '../../lab/eventually.js';
import { Lab } from '../../lab/lab.js';
import { TwoNatMesh } from '../../mesh/two-nat-mesh.js';
import { transfer } from '../iperf.js';
import { median } from '../statistics.js';

export interface NodesBenchOptions {
  readonly rounds: number;
  readonly seconds: number;
  /** As `shadownet-node up --dataplane` takes it. */
  readonly dataPlane: string;
}

const WAYS = ['direct', 'relay, UDP', 'relay, WebSocket'] as const;
type Way = (typeof WAYS)[number];

const PATIENCE_MS = 60_000;
/** TCP takes this long to find the speed of a path that has just changed. */
const WARM_UP_SECONDS = 1;

export async function runNodesBench({ rounds, seconds, dataPlane }: NodesBenchOptions): Promise<void> {
  const lab = await Lab.create();
  let mesh: TwoNatMesh | undefined;
  try {
    mesh = await TwoNatMesh.layOut(lab, { flags: ['--dataplane', dataPlane] });
    const { ipB } = await mesh.start();
    const results: Record<Way, number>[] = [];
    for (let round = 0; round < rounds; round++) {
      const rates = {} as Record<Way, number>;
      for (const way of WAYS) {
        const force = filtersFor(way, mesh);
        for (const rule of force) await mesh.natA.run(['iptables', '-I', 'FORWARD', ...rule]);
        await comeBy(way, mesh, ipB);
        await measure(mesh, ipB, WARM_UP_SECONDS);
        rates[way] = await measure(mesh, ipB, seconds);
        for (const rule of force) await mesh.natA.run(['iptables', '-D', 'FORWARD', ...rule]);
      }
      results.push(rates);
      print(`round ${round + 1}: ${WAYS.map((way) => `${way} ${mbit(rates[way])}`).join(', ')}`);
    }
    for (const way of WAYS) {
      const rate = median(results.map((rates) => rates[way]));
      const ratio = median(results.map((rates) => rates[way] / rates.direct));
      print(`${way}: ${mbit(rate)}, ${(ratio * 100).toFixed(0)} % of direct (medians of ${rounds})`);
    }
    print(`counters of the sender: ${JSON.stringify((await mesh.nodeA.status()).counters)}`);
  } finally {
    mesh?.stopFollowing();
    await lab.dispose();
  }
}

/** What node A's router drops, so that no other way is left. */
function filtersFor(way: Way, { natB }: TwoNatMesh): string[][] {
  switch (way) {
    case 'direct':
      return [];
    case 'relay, UDP':
      return ['-s', '-d'].map((end) => ['-p', 'udp', end, natB.address, '-j', 'DROP']);
    case 'relay, WebSocket':
      return [['-p', 'udp', '-j', 'DROP']];
  }
}

async function comeBy(way: Way, mesh: TwoNatMesh, ipB: string): Promise<void> {
  await eventually(`data to go by ${way}`, PATIENCE_MS, async () => {
    // Something to say, without which nobody looks for a path.
    await mesh.hostA.tryRun(['ping', '-c', '1', '-W', '1', ipB]);
    const { peers, relays } = await mesh.nodeA.status();
    if (way === 'direct') return peers[0]?.path === 'direct' ? true : undefined;
    const transport = way === 'relay, UDP' ? 'udp' : 'stream';
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
