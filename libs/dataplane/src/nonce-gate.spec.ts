// Concurrency rule 12: threads that stall between any two accesses, while keys are rotated and zeroed and paths change under
// their hands, never use a nonce twice, nor a key that was zeroed, nor a path that changed.
import { instant, type IpAddress } from '@shadownet/primitives';
import { PathTable, PeerCells, type SessionRef, SessionTable } from '@shadownet/wireguard';
import { Worker } from 'node:worker_threads';
import { expect, it, onTestFinished } from 'vitest';

import { bundleThread } from './bundled-thread.contract.js';
import type { GateResult, GateStart } from './nonce-gate-sender.contract.js';

const THREADS = 4;
const ITERATIONS = 250_000;
const PEERS = 3;
const PATH_ENTRIES = 64;

it(
  'never repeats a nonce in a million stalled attempts, nor uses what was withdrawn',
  { timeout: 120_000 },
  async () => {
    const sessions = SessionTable.allocate(64);
    const cells = new PeerCells({ peers: PEERS });
    const paths = new PathTable({ entries: PATH_ENTRIES });
    const stop = new Int32Array(new SharedArrayBuffer(4));
    const rotator = new Rotator(sessions, cells, paths);
    for (let peer = 0; peer < PEERS; peer++) rotator.rotate(peer);

    const entry = await bundleThread(new URL('./nonce-gate-sender.contract.ts', import.meta.url));
    let running = THREADS;
    const results = Array.from({ length: THREADS }, (_, i) => {
      const start: GateStart = {
        seed: 12345 + i,
        iterations: ITERATIONS,
        peers: PEERS,
        sessions: sessions.buffer,
        peerCells: cells.buffer,
        paths: paths.buffer,
        stop: stop.buffer,
        reader: sessions.addReader(),
      };
      const worker = new Worker(entry, { workerData: start });
      onTestFinished(async () => void (await worker.terminate()));
      return new Promise<GateResult>((resolve, reject) => {
        worker.on('error', reject);
        worker.on('message', (result: GateResult) => {
          running--;
          resolve(result);
        });
      });
    });

    while (running > 0) {
      for (let i = 0; i < 5; i++) rotator.step();
      await new Promise((resolve) => setTimeout(resolve));
    }
    const all = await Promise.all(results);
    expect(all.flatMap(({ violations }) => violations)).toEqual([]);
    expect(all.reduce((sum, { attempts }) => sum + attempts, 0)).toBe(THREADS * ITERATIONS);

    const used = all.flatMap((result) => [...result.used]);
    expect(new Set(used).size).toBe(used.length);
    // The gate is worth nothing if the threads hardly ever got a key, or always the same one.
    expect(used.length).toBeGreaterThan(ITERATIONS / 10);
    expect(new Set(used.map((use) => use >> 32n)).size).toBeGreaterThan(100);
  },
);

/** The main thread's part: new keys, ended sessions, new paths, at random. */
class Rotator {
  readonly #current: (SessionRef | undefined)[] = [];
  readonly #entries: { entry: number; freeAt: number }[] = [];
  readonly #pathOf: (number | undefined)[] = [];
  #keys = 0;
  #unusedEntry = 0;
  #dice = 99;

  constructor(
    private readonly sessions: SessionTable,
    private readonly cells: PeerCells,
    private readonly paths: PathTable,
  ) {}

  step(): void {
    this.#dice = (Math.imul(this.#dice, 1_103_515_245) + 12_345) >>> 0;
    const peer = (this.#dice >>> 16) % PEERS;
    const choice = (this.#dice >>> 8) & 15;
    if (choice < 4) this.#movePath(peer);
    else if (choice === 4) this.#end(peer);
    else this.rotate(peer);
    this.sessions.reclaim();
  }

  rotate(peer: number): void {
    const key = new Uint32Array(8).fill(++this.#keys);
    const bytes = new Uint8Array(key.buffer);
    const session = this.sessions.open({
      state: 'current',
      role: 'initiator',
      localIndex: this.#keys as SessionIndexOf<typeof this.sessions>,
      remoteIndex: this.#keys as SessionIndexOf<typeof this.sessions>,
      peer,
      createdAt: instant(0),
      sendKey: bytes,
      receiveKey: bytes,
    });
    if (!session) return;
    const old = this.#current[peer];
    this.#current[peer] = session;
    this.cells.setCurrentSlot(peer, session.slot);
    if (old) this.sessions.retire(old);
    if (this.#pathOf[peer] === undefined) this.#movePath(peer);
  }

  #end(peer: number): void {
    const old = this.#current[peer];
    if (!old) return;
    this.#current[peer] = undefined;
    this.cells.setCurrentSlot(peer, undefined);
    this.sessions.retire(old);
  }

  #movePath(peer: number): void {
    const entry = this.#freeEntry();
    if (entry === undefined) return;
    const port = 1 + ((this.#dice >>> 4) % 60_000);
    const address: IpAddress = { family: 4, bytes: Uint8Array.of(192, 0, 2, port % 251) };
    this.paths.write(entry, { kind: 'udp', socket: 0, remote: { address, port } });
    this.cells.setPathEntry(peer, entry);
    const old = this.#pathOf[peer];
    this.#pathOf[peer] = entry;
    if (old !== undefined) this.#entries.push({ entry: old, freeAt: this.sessions.raiseEpoch() });
  }

  #freeEntry(): number | undefined {
    const first = this.#entries[0];
    if (first && this.sessions.hasPassed(first.freeAt)) return this.#entries.shift()!.entry;
    return this.#unusedEntry < PATH_ENTRIES ? this.#unusedEntry++ : undefined;
  }
}

type SessionIndexOf<Table extends SessionTable> = ReturnType<Table['localIndex']>;
