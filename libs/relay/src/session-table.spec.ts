// The table that a client and packet workers have of relay sessions, and a client whose frames workers seal and check for it.
import { SipHasher, sipHashKey } from '@shadownet/crypto';
import {
  endpoint,
  type Endpoint,
  formatEndpoint,
  instant,
  ipAddressFromBytes,
  parseEndpoint,
} from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';
import { COUNTER_LIMIT, FRAME_HEADER_BYTES } from './constants.js';
import { channelOf, FrameType, isSessionType } from './frame.js';
import { acceptCounter, hasValidTag, sealFrame } from './frame-protection.js';
import { probe, seeded, transport } from './payloads.contract.js';
import type { FrameKeys } from './session-keys.js';
import { type Epochs, type RelaySessionRef, RelaySessionTable } from './session-table.js';
import { type SimulatedClient, SimulatedRelays } from './simulated-relays.js';

const RELAY = parseEndpoint('192.0.2.1:3478')!;
const hasher = new SipHasher();

/** Workers that pass an epoch when the test says so. */
class ModelEpochs implements Epochs {
  #epoch = 0;
  #passed = 0;

  raiseEpoch(): number {
    return ++this.#epoch;
  }

  hasPassed(epoch: number): boolean {
    return this.#passed >= epoch;
  }

  pass(): void {
    this.#passed = this.#epoch;
  }
}

describe('a relay session in the table', () => {
  it('is found by the address of its relay, with its keys, until it ends', () => {
    const { table } = newTable();
    const relays = ['192.0.2.1:1', '[2001:db8::1]:2', '[fe80::1%7]:2'].map((text) => parseEndpoint(text, Number)!);
    const sessions = relays.map((relay, i) => table.open(relay, keys(i))!);
    const worker = RelaySessionTable.attach(table.buffer);
    relays.forEach((relay, i) => {
      expect(findFrom(worker, relay)).toEqual(sessions[i]);
      expect(worker.sendKey(sessions[i]!)).toEqual(keys(i).toRelay);
      expect(worker.receiveKey(sessions[i]!)).toEqual(keys(i).toClient);
    });
    expect(findFrom(worker, parseEndpoint('192.0.2.1:2')!)).toBeUndefined();
    table.retire(sessions[1]!);
    expect(relays.map((relay) => findFrom(worker, relay))).toEqual([sessions[0], undefined, sessions[2]]);
  });

  it('gives every counter to one caller only, of the core and all workers, and none when it has ended', () => {
    const { table } = newTable();
    const session = table.open(RELAY, keys(1))!;
    const callers = [table, RelaySessionTable.attach(table.buffer, 0), RelaySessionTable.attach(table.buffer, 1)];
    const taken: number[] = [];
    for (let i = 0; i < 300; i++) {
      const count = 1 + (i % 7);
      const first = callers[i % 3]!.reserveCounters(session, count)!;
      for (let each = 0; each < count; each++) taken.push(first + each);
    }
    expect(taken).toEqual(taken.map((_, i) => i));
    table.retire(session);
    expect(callers.map((caller) => caller.reserveCounters(session, 1))).toEqual([undefined, undefined, undefined]);
  });

  it('has no counter of more than 40 bits', () => {
    const { table } = newTable();
    const session = table.open(RELAY, keys(1))!;
    expect(table.reserveCounters(session, COUNTER_LIMIT - 2)).toBe(0);
    expect(table.reserveCounters(session, 2)).toBe(COUNTER_LIMIT - 2);
    expect(table.reserveCounters(session, 1)).toBeUndefined();
  });

  it('keeps its keys until all workers have passed, then they are zeroed and the place is another session’s', () => {
    const { table, epochs } = newTable(1);
    const first = table.open(RELAY, keys(1))!;
    table.reserveCounters(first, 9);
    table.replayWindow(first).acceptParts(0, 9);
    table.retire(first);
    expect([table.isLive(first), table.hasRetired, table.open(RELAY, keys(2))]).toEqual([false, true, undefined]);
    expect(table.sendKey(first)).toEqual(keys(1).toRelay);
    epochs.pass();
    table.reclaim();
    expect([...table.sendKey(first), ...table.receiveKey(first)]).toEqual(Array(8).fill(0));
    const second = table.open(RELAY, keys(2))!;
    expect(second).toEqual({ slot: first.slot, generation: first.generation + 1 });
    expect([table.isLive(first), table.isLive(second), table.hasRetired]).toEqual([false, true, false]);
    expect(table.reserveCounters(second, 1)).toBe(0);
    expect(table.replayWindow(second).acceptParts(0, 9)).toBe(true);
    expect(table.reserveCounters(first, 1)).toBeUndefined();
  });

  it('tells when the latest of several workers has sent', () => {
    const { table } = newTable();
    const session = table.open(RELAY, keys(1))!;
    [5, 3].forEach((at, i) => RelaySessionTable.attach(table.buffer, i).recordSent(session, instant(at)));
    RelaySessionTable.attach(table.buffer).recordReceived(session, instant(4));
    expect([table.sentAt(session), table.receivedAt(session)]).toEqual([5, 4]);
  });
});

describe('a client with packet workers', () => {
  it('tells them how a peer is reached once the relay has named it, and not any more when it is gone', () => {
    const { a, b, world } = pair();
    expect(a.client.routeTo('home', b.publicKey)).toBeUndefined();
    a.send('home', b, transport(64));
    world.run(100);
    const route = a.client.routeTo('home', b.publicKey)!;
    expect(route.remote).toEqual(world.relays.get('home')!.endpoint);
    expect(a.client.originOf(route.session, route.channel)).toEqual({ relay: 'home', peer: b.publicKey });
    const { routeChanges } = a.client;
    b.client.close(b.out);
    a.send('home', b, transport(64));
    world.run(100);
    expect(a.client.routeTo('home', b.publicKey)).toBeUndefined();
    expect(a.client.routeChanges).toBeGreaterThan(routeChanges);
  });

  it('exchanges what these seal, open and check, with counters that the core’s own frames share', () => {
    const { a, b, world } = pair();
    a.send('home', b, transport(64, 1));
    world.run(100);
    for (let i = 0; i < 50; i++) {
      a.worker!.send(a.client.routeTo('home', b.publicKey)!, transport(64, i));
      if (i % 5 === 0) a.send('home', b, probe());
      world.run(5);
    }
    world.run(100);
    expect(b.worker!.data.map((bytes) => bytes[40])).toEqual([1, ...Array.from({ length: 50 }, (_, i) => i)]);
    expect(b.received.filter(({ bytes }) => bytes.length === probe().length)).toHaveLength(10);
    expect(world.relays.get('home')!.server!.counters.dropped['replayed']).toBe(0);
  });

  it('believes no frame of a session that these have not checked', () => {
    const { a, b, world } = pair();
    a.send('home', b, transport(64));
    world.run(100);
    const from = world.relays.get('home')!.endpoint;
    const genuine = world.wire.findLast(({ bytes, to }) => bytes[0] === FrameType.resolved && to === a.endpoint)!;
    const gone = Uint8Array.from(genuine.bytes.subarray(0, FRAME_HEADER_BYTES));
    gone[0] = FrameType.gone;
    a.client.handleDatagram(gone, from, world.now, a.out);
    expect(a.client.routeTo('home', b.publicKey)).toBeDefined();
    // Even a frame that is authentic: whoever has not checked it has not marked it as seen either.
    const own = new ModelWorker(a);
    const answer = sealed(a.table!, a.client.routeTo('home', b.publicKey)!.session, FrameType.gone, gone);
    expect(own.check(answer, from)).toBeDefined();
    a.client.handleDatagram(answer, from, world.now, a.out);
    expect(a.client.routeTo('home', b.publicKey)).toBeDefined();
    const session = a.client.routeTo('home', b.publicKey)!.session;
    a.table!.whileChecked(session, () => a.client.handleDatagram(answer, from, world.now, a.out));
    expect(a.client.routeTo('home', b.publicKey)).toBeUndefined();
  });

  it('asks the relay at once when these send and nothing comes back, and leaves it', () => {
    const { a, b, world } = pair();
    a.send('home', b, transport(64));
    world.run(100);
    const route = a.client.routeTo('home', b.publicKey)!;
    world.loses = () => true;
    const silentAt = world.now;
    const sendUntil = (isDone: () => boolean): number => {
      while (!isDone() && world.now < silentAt + 20_000) {
        a.worker!.send(route, transport(64));
        a.client.noteWorkerTraffic();
        world.run(50);
      }
      return world.now - silentAt;
    };
    expect(sendUntil(() => a.client.status()[0]!.health === 'failed')).toBeLessThan(4000);
    expect(sendUntil(() => a.events.at(-1)?.kind === 'relay-down')).toBeLessThan(9000);
    expect(a.table!.isLive(route.session)).toBe(false);
    expect(a.client.routeTo('home', b.publicKey)).toBeUndefined();
  });

  it('goes on visiting a relay by which these receive', () => {
    const { a, b, world } = pair(['home', 'far']);
    a.send('far', b, transport(64));
    world.run(1000);
    const up = () => a.client.status().find(({ id }) => id === 'far')!.state;
    expect(up()).toBe('up');
    const { session } = a.client.routeTo('far', a.publicKey) ?? findSession(a, world.relays.get('far')!.endpoint);
    for (let i = 0; i < 250; i++) {
      a.table!.recordReceived(session, world.now);
      a.client.noteWorkerTraffic();
      world.run(1000);
    }
    expect(up()).toBe('up');
    world.run(200_000);
    expect(up()).toBe('idle');
  });
});

function newTable(slots = 8): { table: RelaySessionTable; epochs: ModelEpochs } {
  const epochs = new ModelEpochs();
  return { table: RelaySessionTable.allocate(slots, 2, epochs), epochs };
}

function keys(seed: number): FrameKeys {
  const key = (add: number) => sipHashKey(Uint8Array.from({ length: 16 }, (_, i) => seed * 32 + add + i + 1));
  return { toRelay: key(0), toClient: key(16) };
}

function findFrom(table: RelaySessionTable, from: Endpoint): RelaySessionRef | undefined {
  return table.find((address, port, zone) => {
    const relay = endpoint(ipAddressFromBytes(Uint8Array.from(address)), port, zone);
    return formatEndpoint(relay) === formatEndpoint(from);
  });
}

function findSession(client: WorkedClient, relay: Endpoint): { session: RelaySessionRef } {
  return { session: findFrom(client.table!, relay)! };
}

/** As the relay would have sealed it: the counter is beyond all that it has used. */
function sealed(table: RelaySessionTable, session: RelaySessionRef, type: number, like: Uint8Array): Uint8Array {
  const frame = Uint8Array.from(like);
  sealFrame(hasher, table.receiveKey(session), frame, 0, frame.length, type, channelOf(like, 0), 1000);
  return frame;
}

/** Does for a client what packet workers do, by the table alone. */
class ModelWorker {
  readonly data: Uint8Array[] = [];
  readonly #table: RelaySessionTable;

  constructor(private readonly client: WorkedClient) {
    this.#table = RelaySessionTable.attach(client.table!.buffer, 1);
  }

  send(
    { session, channel, remote }: { session: RelaySessionRef; channel: number; remote: Endpoint },
    payload: Uint8Array,
  ) {
    const counter = this.#table.reserveCounters(session, 1);
    if (counter === undefined) return;
    const frame = new Uint8Array(FRAME_HEADER_BYTES + payload.length);
    frame.set(payload, FRAME_HEADER_BYTES);
    sealFrame(hasher, this.#table.sendKey(session), frame, 0, frame.length, FrameType.data, channel, counter);
    this.#table.recordSent(session, this.client.world.now);
    this.client.out.datagram(frame, remote);
  }

  /** The session that a frame is of, if it is authentic. */
  check(frame: Uint8Array, from: Endpoint): RelaySessionRef | undefined {
    const session = findFrom(this.#table, from);
    const isAuthentic = session && hasValidTag(hasher, this.#table.receiveKey(session), frame, 0, frame.length);
    return isAuthentic ? session : undefined;
  }

  /** What the client has to see goes on to it. */
  receive(frame: Uint8Array, from: Endpoint): void {
    const { client } = this;
    const deliver = () => void client.client.handleDatagram(frame, from, client.world.now, client.out);
    if (!isSessionType(frame[0]!)) return deliver();
    const session = this.check(frame, from);
    if (!session || !acceptCounter(this.#table.replayWindow(session), frame, 0)) return;
    if (frame[0] !== FrameType.data || frame[FRAME_HEADER_BYTES] !== 4) {
      return client.table!.whileChecked(session, deliver);
    }
    this.#table.recordReceived(session, client.world.now);
    this.data.push(frame.slice(FRAME_HEADER_BYTES));
  }
}

interface WorkedClient extends SimulatedClient {
  table?: RelaySessionTable;
  worker?: ModelWorker;
}

function pair(relays: readonly string[] = ['home']): { world: SimulatedRelays; a: WorkedClient; b: WorkedClient } {
  const world = new SimulatedRelays(seeded(9));
  relays.forEach((id, i) => world.addRelay(id, { delay: 10 + 40 * i }));
  const [a, b] = [0, 1].map(() => {
    const { table } = newTable();
    const client: WorkedClient = Object.assign(world.addClient({ sessions: table }), { table });
    client.worker = new ModelWorker(client);
    client.receive = (frame, from) => client.worker!.receive(frame, from);
    world.know(client);
    return client;
  }) as [WorkedClient, WorkedClient];
  world.run(1000);
  return { world, a, b };
}
