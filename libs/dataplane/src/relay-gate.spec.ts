// Concurrency rule 12 for relay sessions: threads that stall between any two accesses, while sessions end, are replaced and zeroed and
// paths change under their hands, never seal two frames with one counter, nor with a key that was zeroed or another session's.
import { parseEndpoint, udpPath } from '@shadownet/primitives';
import { type RelaySessionRef, RelaySessionTable } from '@shadownet/relay';
import { PathTable, PeerCells, SessionTable } from '@shadownet/wireguard';
import { Worker } from 'node:worker_threads';
import { expect, it, onTestFinished } from 'vitest';

import { bundleThread } from './bundled-thread.contract.js';
import type { RelayGateResult, RelayGateStart } from './relay-gate-sender.contract.js';

const THREADS = 4;
const ITERATIONS = 100_000;
const PEERS = 3;
const SLOTS = 5;
const PATH_ENTRIES = 64;
const RELAY = parseEndpoint('192.0.2.1:3478')!;

it('never repeats a counter under stalls, nor uses a key that was withdrawn', { timeout: 120_000 }, async () => {
  const sessions = SessionTable.allocate(1);
  const table = RelaySessionTable.allocate(SLOTS, 1, sessions);
  const cells = new PeerCells({ peers: PEERS });
  const paths = new PathTable({ entries: PATH_ENTRIES });
  const replacer = new Replacer(sessions, table, cells, paths);

  const entry = await bundleThread(new URL('./relay-gate-sender.contract.ts', import.meta.url));
  let running = THREADS;
  const results = Array.from({ length: THREADS }, (_, i) => {
    const start: RelayGateStart = {
      ...{ seed: 4321 + i, iterations: ITERATIONS, peers: PEERS, reader: sessions.addReader() },
      ...{ sessions: sessions.buffer, relaySessions: table.buffer, peerCells: cells.buffer, paths: paths.buffer },
    };
    const worker = new Worker(entry, { workerData: start });
    onTestFinished(async () => void (await worker.terminate()));
    return new Promise<RelayGateResult>((resolve, reject) => {
      worker.on('error', reject);
      worker.on('message', (result: RelayGateResult) => {
        running--;
        resolve(result);
      });
    });
  });
  for (let peer = 0; running > 0; peer = (peer + 1) % PEERS) {
    replacer.replace(peer);
    await new Promise((resolve) => setTimeout(resolve));
  }
  const all = await Promise.all(results);
  expect([...new Set(all.flatMap(({ violations }) => violations))]).toEqual([]);

  // The core takes from the same counters.
  const used = [...all.flatMap((result) => [...result.used]), ...replacer.used];
  expect(new Set(used).size).toBe(used.length);
  // The gate is worth nothing if the threads hardly ever got a counter, or always of the same session.
  expect(used.length).toBeGreaterThan(ITERATIONS / 10);
  expect(new Set(used.map((use) => use >> 40n)).size).toBeGreaterThan(20);
});

/** The main thread's part: a new session with another key, and the peer's path by it. */
class Replacer {
  readonly used: bigint[] = [];
  readonly #current: (RelaySessionRef | undefined)[] = [];
  readonly #entryOf: (number | undefined)[] = [];
  readonly #retired: { readonly entry: number; readonly epoch: number }[] = [];
  #unusedEntry = 0;
  #keys = 0;

  constructor(
    private readonly sessions: SessionTable,
    private readonly table: RelaySessionTable,
    private readonly cells: PeerCells,
    private readonly paths: PathTable,
  ) {}

  replace(peer: number): void {
    const old = this.#current[peer];
    this.#current[peer] = undefined;
    if (old) this.table.retire(old);
    const number = ++this.#keys;
    const key = new Uint32Array(4).fill(number);
    const session = this.table.open(RELAY, { toRelay: key, toClient: key });
    const entry = session && this.#freeEntry();
    if (!session || entry === undefined) return;
    this.#current[peer] = session;
    const first = this.table.reserveCounters(session, 1);
    if (first !== undefined) this.used.push((BigInt(number) << 40n) | BigInt(first));
    this.paths.write(entry, udpPath(RELAY), { session, channel: number % 60_000 });
    this.cells.setPathEntry(peer, entry);
    const before = this.#entryOf[peer];
    this.#entryOf[peer] = entry;
    if (before !== undefined) this.#retired.push({ entry: before, epoch: this.sessions.raiseEpoch() });
  }

  #freeEntry(): number | undefined {
    const first = this.#retired[0];
    if (first && this.sessions.hasPassed(first.epoch)) return this.#retired.shift()!.entry;
    return this.#unusedEntry < PATH_ENTRIES ? this.#unusedEntry++ : undefined;
  }
}
