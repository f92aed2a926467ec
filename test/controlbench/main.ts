// The control server with a fleet: registration, start, streams, heartbeats, one change, a restart. The fleet lives in this process,
// the server in another. Started by controlbench.mjs.
import type { Agent } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeCommit } from '../bench/machine.js';
import { writeSection } from '../bench/report-file.js';
import { pause } from '../lab/eventually.js';
import { inRepository } from '../lab/repository.js';
import { connections, FleetNode } from './fleet-node.js';
import { ServerProcess } from './server-process.js';

/** Registrations, and streams that are being opened, at a time. */
const AT_ONCE = 50;
const HEARTBEATS_PER_SECOND = 1_000;
const HEARTBEAT_SECONDS = 20;
const CHANGES = 10;
/** Of a node that lost its stream: half to all of it, then doubled, as in apps/node's Backoff. */
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 15_000;

interface Result {
  readonly what: string;
  readonly goal: string;
  readonly measured: string;
  readonly reached: boolean;
}

/** Returns the exit code: 1 if a goal is not reached. */
export async function benchControl(count: number, report: boolean): Promise<number> {
  const dataDir = mkdtempSync(join(tmpdir(), 'shadownet-controlbench-'));
  const results: Result[] = [];
  const note = (result: Result): void => {
    results.push(result);
    process.stdout.write(`${result.reached ? ' ok ' : 'MISS'}  ${result.what}: ${result.measured} (${result.goal})\n`);
  };
  let server = await ServerProcess.start(dataDir);
  try {
    const fleet = Array.from({ length: count }, (_, index) => new FleetNode(index, server.publicKey));
    note(await register(fleet, server));
    await server.kill();
    server = await ServerProcess.start(dataDir, server.port);
    note(goal('start with all nodes registered', '≤ 3 s', server.startMs / 1000, 3, 's'));
    note(await openStreams(fleet, server));
    const agents = Array.from({ length: 64 }, (_, at) => connections(1, `127.1.0.${at + 1}`));
    for (const result of await heartbeats(fleet, server, agents)) note(result);
    note(await changes(fleet, server, agents));
    for (const agent of agents) agent.destroy();
    const back = comeBack(fleet, server.port);
    await server.kill();
    const restartedAt = performance.now();
    server = await ServerProcess.start(dataDir, server.port);
    for (const result of await back(restartedAt)) note(result);
    for (const node of fleet) node.closeStream();
  } finally {
    await server.kill();
    rmSync(dataDir, { recursive: true });
  }
  if (report) await writeSection(inRepository('docs/benchmarks.md'), 'control', await text(count, results));
  return results.every(({ reached }) => reached) ? 0 : 1;
}

async function register(fleet: readonly FleetNode[], { port }: ServerProcess): Promise<Result> {
  const startedAt = performance.now();
  const agents = Array.from({ length: AT_ONCE }, (_, at) => connections(1, `127.1.1.${at + 1}`));
  await inParallel(fleet, AT_ONCE, async (node, at) => {
    const { status, json } = await node.register(port, agents[at]!);
    if (status !== 200) throw new Error(`registration: ${status} ${JSON.stringify(json)}`);
    node.assigned = String(json['assigned_ip']);
    node.version = json['map_version'] as FleetNode['version'];
  });
  for (const agent of agents) agent.destroy();
  const seconds = (performance.now() - startedAt) / 1000;
  const numbers = fleet.map(({ assigned }) => addressNumber(assigned)).sort((a, b) => a - b);
  const gapless = numbers.every((number, at) => number === numbers[0]! + at);
  // Each has missed what came after it: as if it had had its map before.
  const newest = fleet.reduce(
    (last, { version }) => (version.sequence > last.sequence ? version : last),
    fleet[0]!.version,
  );
  for (const node of fleet) node.version = newest;
  const measured = `${gapless ? 'none' : 'some'} repeated or skipped; ${seconds.toFixed(1)} s, ${(fleet.length / seconds).toFixed(0)} a second`;
  return {
    what: `registering, ${AT_ONCE} at a time`,
    goal: 'no address repeated or skipped',
    measured,
    reached: gapless,
  };
}

async function openStreams(fleet: readonly FleetNode[], server: ServerProcess): Promise<Result> {
  const before = server.memory;
  await inParallel(fleet, AT_ONCE, (node) => node.openStream(server.port));
  await pause(12_000);
  const each = (server.memory - before) / fleet.length / 1000;
  return goal('memory per connected node', '≤ 60 KB', each, 60, 'KB');
}

/** At a steady rate, whether answers come or not; the time counts from when each was due. */
async function heartbeats(
  fleet: readonly FleetNode[],
  server: ServerProcess,
  agents: readonly Agent[],
): Promise<Result[]> {
  const took: number[] = [];
  const failed: string[] = [];
  const cpuBefore = server.cpuSeconds;
  const startedAt = performance.now();
  const total = HEARTBEATS_PER_SECOND * HEARTBEAT_SECONDS;
  const pending: Promise<void>[] = [];
  for (let sent = 0; sent < total;) {
    const due = Math.min(total, Math.floor(((performance.now() - startedAt) * HEARTBEATS_PER_SECOND) / 1000));
    for (; sent < due; sent++) {
      const dueAt = startedAt + (sent * 1000) / HEARTBEATS_PER_SECOND;
      pending.push(
        fleet[sent % fleet.length]!.heartbeat(server.port, agents[sent % agents.length]!).then(({ status, json }) => {
          if (status !== 200) failed.push(JSON.stringify(json));
          took.push(performance.now() - dueAt);
        }),
      );
    }
    await pause(1);
  }
  await Promise.all(pending);
  if (failed.length > 0) throw new Error(`${failed.length} heartbeats failed, the first with ${failed[0]}`);
  const seconds = (performance.now() - startedAt) / 1000;
  const p99 = percentile(took, 0.99);
  const cpu = ((server.cpuSeconds - cpuBefore) / seconds) * 100;
  const measured = `${(total / seconds).toFixed(0)} a second; p50 ${percentile(took, 0.5).toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, most ${Math.max(...took).toFixed(0)} ms; ${cpu.toFixed(0)} % of a core`;
  return [{ what: 'heartbeats, 1,000 a second', goal: 'p99 ≤ 50 ms', measured, reached: p99 <= 50 }];
}

/** From the moment that the heartbeat with news is sent to the moment that each of the others has it, while the others go on. */
async function changes(fleet: readonly FleetNode[], server: ServerProcess, agents: readonly Agent[]): Promise<Result> {
  const took: number[] = [];
  for (let round = 0; round < CHANGES; round++) {
    const [moved, ...others] = [fleet[round]!, ...fleet.slice(0, round), ...fleet.slice(round + 1)];
    const sentAt = performance.now();
    const heard = others.map(
      (node) =>
        new Promise<void>((resolve) => {
          node.onDelta = (changed, at) => {
            if (!changed.includes(moved!.id)) return;
            took.push(at - sentAt);
            resolve();
          };
        }),
    );
    await moved!.heartbeat(server.port, agents[round]!, 1024 + round);
    await Promise.all(heard);
  }
  for (const node of fleet) node.onDelta = undefined;
  const p99 = percentile(took, 0.99);
  const measured = `p50 ${percentile(took, 0.5).toFixed(0)} ms, p99 ${p99.toFixed(0)} ms, most ${took.reduce((a, b) => Math.max(a, b)).toFixed(0)} ms`;
  return { what: 'one change at all others', goal: 'p99 ≤ 1 s', measured, reached: p99 <= 1000 };
}

/** Every node opens its stream again when it has lost it, and registers again, as shadownet-node does. */
function comeBack(fleet: readonly FleetNode[], port: number): (restartedAt: number) => Promise<Result[]> {
  let bytes = 0;
  const back = fleet.map(
    (node) =>
      new Promise<number>((resolve) => {
        node.onStreamEnd = () => {
          node.onStreamEnd = undefined;
          void retry(async () => {
            await node.openStream(port);
            bytes += node.received;
            const agent = connections(1, node.address);
            try {
              const answer = await node.register(port, agent);
              bytes += answer.bytes;
              if (answer.status !== 200) throw new Error(String(answer.status));
            } finally {
              agent.destroy();
            }
            resolve(performance.now());
          });
        };
      }),
  );
  return async (restartedAt) => {
    const last = (await Promise.all(back)).reduce((a, b) => Math.max(a, b));
    return [
      goal('all back after kill -9 and start', '≤ 30 s', (last - restartedAt) / 1000, 30, 's'),
      goal('sent for that', '≤ 50 MB', bytes / 1e6, 50, 'MB'),
    ];
  };
}

async function retry(attempt: () => Promise<void>): Promise<void> {
  for (let step = FIRST_RETRY_MS; ; step = Math.min(step * 2, LONGEST_RETRY_MS)) {
    await pause(step * (0.5 + Math.random() / 2));
    try {
      return await attempt();
    } catch {
      // The server is away, or has too much to do.
    }
  }
}

async function inParallel<T>(
  items: readonly T[],
  width: number,
  work: (item: T, lane: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async (at: number): Promise<void> => {
    while (next < items.length) await work(items[next++]!, at);
  };
  await Promise.all(Array.from({ length: width }, (_, at) => lane(at)));
}

function goal(what: string, limit: string, value: number, most: number, unit: string): Result {
  return { what, goal: limit, measured: `${value.toFixed(1)} ${unit}`, reached: value <= most };
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

function addressNumber(text: string): number {
  return text.split('.').reduce((number, part) => number * 256 + Number(part), 0);
}

async function text(count: number, results: readonly Result[]): Promise<string> {
  const rows = results.map(
    ({ what, goal, measured, reached }) =>
      `| ${what} | ${goal} | ${measured} | ${reached ? 'reached' : '**not reached**'} |`,
  );
  return `## Control server

Measured on ${new Date().toISOString().slice(0, 10)} at commit ${await describeCommit()}, ${cpus().length} × ${cpus()[0]?.model.trim()}, Node.js ${process.versions.node}. Again: \`npm run bench:control\`

One process with SQLite and ${count.toLocaleString('en')} nodes, which all may talk to each other; the fleet is a second process on the same machine, connected by
loopback, and verifies each delta. Streams are opened by nodes that have a map already. Coming back is opening the stream and registering again,
with the delays that nodes have.

| what | goal | measured | |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
}
