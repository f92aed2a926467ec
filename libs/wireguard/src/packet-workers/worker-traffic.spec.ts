// Devices whose data is moved by others: a worker made of this lib's own parts stands beside each, and the core must draw the
// same conclusions from the cells as from packets of its own.
import { nodeCrypto } from '@shadownet/crypto';
import {
  formatPath,
  milliseconds,
  parseEndpoint,
  type RelayPath,
  relayPath,
  seconds,
  udpPath,
} from '@shadownet/primitives';
import { beforeEach, describe, expect, it } from 'vitest';
import { ipv4Packet, type SimulatedHost, SimulatedNetwork } from '../simulated-network.js';
import { SessionTable } from '../transport/session-table.js';
import { AllowedIpsTable } from './allowed-ips-table.js';
import { PathTable } from './path-table.js';
import { PeerCells } from './peer-cells.js';
import type { RelayRoute } from './relay-route.js';
import { ReceiverIndexTable } from './receiver-index-table.js';

const CAROL = '192.0.2.3:3000';

/** Moves packets of a host as a worker does, without copying any of the worker's code: one at a time, by the tables alone. */
class ModelWorker {
  readonly sessions: SessionTable;
  readonly peers: PeerCells;
  readonly #transmit: SessionTable;
  readonly #indices: ReceiverIndexTable;
  readonly #paths: PathTable;

  constructor(
    private readonly network: SimulatedNetwork,
    private readonly host: SimulatedHost,
  ) {
    const buffers = host.device.workerBuffers;
    this.sessions = SessionTable.attach(buffers.sessions, 'receive');
    this.#transmit = SessionTable.attach(buffers.sessions, 'transmit');
    this.peers = new PeerCells(buffers.peers);
    this.#paths = new PathTable(buffers.paths);
    this.#indices = new ReceiverIndexTable(this.sessions, buffers.receiverIndices);
  }

  /** The sealed message and where it goes; `undefined` if the core has to see the packet. */
  seal(peer: number, packet: Uint8Array): { message: Uint8Array; to: string } | undefined {
    const slot = this.peers.currentSlot(peer);
    const entry = this.peers.pathEntry(peer);
    const session = slot === undefined ? undefined : this.#transmit.liveSession(slot);
    const counter = session && this.#transmit.reserveCounters(session, 1);
    if (!session || counter === undefined || entry === undefined) return undefined;
    const padded = new Uint8Array(Math.ceil(packet.length / 16) * 16);
    padded.set(packet);
    const message = new Uint8Array(16 + padded.length + 16);
    const view = new DataView(message.buffer);
    view.setUint32(0, 4, true);
    view.setUint32(4, this.#transmit.remoteIndex(session), true);
    view.setBigUint64(8, counter, true);
    nodeCrypto.seal(this.#transmit.sendKey(session), nonceOf(counter), padded, NOTHING, message.subarray(16));
    this.#transmit.recordSent(session, this.network.now, message.length);
    this.peers.recordSent(peer, this.network.now, message.length);
    return { message, to: formatPath(udpPath(this.#paths.remote(entry))) };
  }

  /** Opens a message by its index; true if it was authentic. */
  open(message: Uint8Array): boolean {
    const view = new DataView(message.buffer, message.byteOffset);
    const session = this.#indices.find(view.getUint32(4, true));
    if (!session) return false;
    const counter = view.getBigUint64(8, true);
    const opened = new Uint8Array(message.length - 32);
    const key = this.sessions.receiveKey(session);
    if (!nodeCrypto.open(key, nonceOf(counter), message.subarray(16), NOTHING, opened)) return false;
    const peer = this.sessions.peer(session);
    if (this.sessions.state(session) === 'next') this.sessions.confirm(session);
    this.sessions.recordReceived(session, this.network.now, message.length);
    this.peers.recordReceived(peer, this.network.now, message.length);
    this.peers.recordDataReceived(peer, this.network.now);
    return true;
  }

  /** The main thread looks. */
  look(): boolean {
    return this.host.device.handleWorkerTraffic(this.network.now, this.host);
  }
}

let network: SimulatedNetwork;
let alice: SimulatedHost;
let bob: SimulatedHost;
let aliceWorker: ModelWorker;
let bobWorker: ModelWorker;
beforeEach(() => {
  network = new SimulatedNetwork(nodeCrypto);
  alice = network.host({ endpoint: '192.0.2.1:1000' });
  bob = network.host({ endpoint: '192.0.2.2:2000' });
  alice.addPeer(bob, '10.0.0.2/32');
  bob.addPeer(alice, '10.0.0.1/32');
  aliceWorker = new ModelWorker(network, alice);
  bobWorker = new ModelWorker(network, bob);
});

/** The number of the only peer, as the allowed IPs tell workers. */
function peerNumber(host: SimulatedHost, address: string): number {
  const table = new AllowedIpsTable(host.device.takeAllowedIpsTable()!);
  return table.lookup(4, new DataView(ipv4Packet(address, address).buffer), 16);
}

function connect(): { alicesBob: number; bobsAlice: number } {
  const numbers = { alicesBob: peerNumber(alice, '10.0.0.2'), bobsAlice: peerNumber(bob, '10.0.0.1') };
  alice.initiate(bob);
  network.run(milliseconds(100));
  return numbers;
}

function initiationsOf(host: SimulatedHost): number {
  return network.sent.filter(({ bytes, from }) => bytes[0] === 1 && from === host.endpoint).length;
}

describe('packets that workers move', () => {
  it('are sealed for the peer’s session and path, and opened by their index', () => {
    const { alicesBob } = connect();
    const sealed = aliceWorker.seal(alicesBob, ipv4Packet('10.0.0.1', '10.0.0.2', 1))!;
    expect(sealed.to).toBe(formatPath(bob.path));
    expect(bobWorker.open(sealed.message)).toBe(true);
    expect(bob.receive(sealed.message, alice.path)).toMatchObject({ ok: true, kind: 'data' });
  });

  it('use the same counters as the core’s own', () => {
    const { alicesBob } = connect();
    const counterOf = (message: Uint8Array): bigint => new DataView(message.buffer).getBigUint64(8, true);
    const before = counterOf(aliceWorker.seal(alicesBob, ipv4Packet('10.0.0.1', '10.0.0.2'))!.message);
    alice.sendPacket(ipv4Packet('10.0.0.1', '10.0.0.2'));
    const core = counterOf(network.sent.at(-1)!.bytes);
    const after = counterOf(aliceWorker.seal(alicesBob, ipv4Packet('10.0.0.1', '10.0.0.2'))!.message);
    expect([core - before, after - core]).toEqual([1n, 1n]);
  });

  it('are the core’s business without a session or a path', () => {
    const number = peerNumber(alice, '10.0.0.2');
    expect(aliceWorker.seal(number, ipv4Packet('10.0.0.1', '10.0.0.2'))).toBeUndefined();
    alice.initiate(bob);
    network.run(milliseconds(100));
    alice.setPath(bob, undefined);
    expect(aliceWorker.seal(number, ipv4Packet('10.0.0.1', '10.0.0.2'))).toBeUndefined();
  });

  it('are the core’s business while it is told to send them', () => {
    const { alicesBob } = connect();
    const packet = ipv4Packet('10.0.0.1', '10.0.0.2');
    alice.device.setPeerSender(bob.publicKey, 'core');
    expect(aliceWorker.seal(alicesBob, packet)).toBeUndefined();
    alice.setPath(bob, bob.path);
    expect(aliceWorker.seal(alicesBob, packet)).toBeUndefined();
    alice.device.setPeerSender(bob.publicKey, 'workers');
    expect(aliceWorker.seal(alicesBob, packet)).toBeDefined();
  });

  it('go by a relay as its sessions tell, and are the core’s business while these do not', () => {
    const { alicesBob } = connect();
    const packet = ipv4Packet('10.0.0.1', '10.0.0.2');
    const paths = new PathTable(alice.device.workerBuffers.paths);
    const published = () => {
      const entry = aliceWorker.peers.pathEntry(alicesBob);
      return entry === undefined ? undefined : { remote: paths.remote(entry), ...paths.relay(entry) };
    };
    alice.setPath(bob, relayPath('eu', bob.publicKey));
    expect(aliceWorker.seal(alicesBob, packet)).toBeUndefined();
    let route: RelayRoute | undefined;
    const routes = {
      routeOf: ({ relay, peer }: RelayPath) => (relay === 'eu' && peer === bob.publicKey ? route : undefined),
      pathOf: () => undefined,
    };
    const remote = parseEndpoint('192.0.2.9:3480')!;
    for (const generation of [0, 1]) {
      route = { remote, session: { slot: 2, generation }, channel: 7 };
      alice.device.useRelayRoutes(routes);
      expect(published()).toEqual(route);
    }
    expect(aliceWorker.seal(alicesBob, packet)?.to).toBe('udp 192.0.2.9:3480');
    route = undefined;
    alice.device.useRelayRoutes(routes);
    expect(published()).toBeUndefined();
    alice.setPath(bob, bob.path);
    expect(published()).toEqual({ remote: bob.endpoint });
  });

  it('count in the peer’s totals, also after the session has ended', () => {
    const { alicesBob } = connect();
    const before = alice.device.peerStatus(bob.publicKey)!.txBytes;
    const { message } = aliceWorker.seal(alicesBob, ipv4Packet('10.0.0.1', '10.0.0.2'))!;
    expect(alice.device.peerStatus(bob.publicKey)!.txBytes).toBe(before + message.length);
    alice.device.clearPrivateKey();
    expect(alice.device.peerStatus(bob.publicKey)!.txBytes).toBe(before + message.length);
  });
});

describe('what the core makes of it', () => {
  it('is nothing when nothing happened', () => {
    connect();
    expect(aliceWorker.look()).toBe(false);
    const { sent } = network;
    const count = sent.length;
    expect([aliceWorker.look(), sent.length]).toEqual([false, count]);
  });

  it('is a handshake when data was sent for 15 s and nothing came back', () => {
    const { alicesBob } = connect();
    network.passes = () => false;
    network.run(seconds(20));
    aliceWorker.seal(alicesBob, ipv4Packet('10.0.0.1', '10.0.0.2'));
    expect(aliceWorker.look()).toBe(true);
    const before = initiationsOf(alice);
    network.run(seconds(14));
    expect(initiationsOf(alice)).toBe(before);
    network.run(seconds(2));
    expect(initiationsOf(alice)).toBe(before + 1);
  });

  it('is a keepalive 10 s after data that nothing was sent for', () => {
    const { alicesBob } = connect();
    network.run(seconds(20));
    bobWorker.open(aliceWorker.seal(alicesBob, ipv4Packet('10.0.0.1', '10.0.0.2'))!.message);
    bobWorker.look();
    const count = network.sent.length;
    network.run(milliseconds(9_900));
    expect(network.sent.length).toBe(count);
    network.run(milliseconds(200));
    expect(network.sent.at(-1)).toMatchObject({ from: bob.endpoint, bytes: { length: 32 } });
  });

  it('is no keepalive when data was sent back after it', () => {
    const { alicesBob, bobsAlice } = connect();
    network.run(seconds(20));
    bobWorker.open(aliceWorker.seal(alicesBob, ipv4Packet('10.0.0.1', '10.0.0.2'))!.message);
    network.run(milliseconds(5));
    bobWorker.seal(bobsAlice, ipv4Packet('10.0.0.2', '10.0.0.1'));
    bobWorker.look();
    const count = network.sent.length;
    network.run(milliseconds(11_000));
    expect(network.sent.length).toBe(count);
  });

  it('is a new key when the initiator sends under one that is 120 s old, and none when the responder does', () => {
    const { alicesBob, bobsAlice } = connect();
    network.run(seconds(121));
    const before = initiationsOf(alice) + initiationsOf(bob);
    bobWorker.seal(bobsAlice, ipv4Packet('10.0.0.2', '10.0.0.1'));
    bobWorker.look();
    expect(initiationsOf(bob) + initiationsOf(alice)).toBe(before);
    aliceWorker.seal(alicesBob, ipv4Packet('10.0.0.1', '10.0.0.2'));
    aliceWorker.look();
    expect(initiationsOf(alice)).toBe(before + 1);
  });

  it('is the confirmation of a responder’s session by its first packet, and only then may it be sent with', () => {
    const number = peerNumber(bob, '10.0.0.1');
    const alicesBob = peerNumber(alice, '10.0.0.2');
    // The keepalive that would confirm it is lost.
    network.passes = ({ bytes }) => bytes[0] !== 4;
    alice.initiate(bob);
    network.run(milliseconds(100));
    expect(bobWorker.seal(number, ipv4Packet('10.0.0.2', '10.0.0.1'))).toBeUndefined();
    bobWorker.open(aliceWorker.seal(alicesBob, ipv4Packet('10.0.0.1', '10.0.0.2'))!.message);
    expect(bobWorker.look()).toBe(true);
    expect(bob.device.peerStatus(alice.publicKey)?.session).toBe('established');
    expect(bobWorker.seal(number, ipv4Packet('10.0.0.2', '10.0.0.1'))).toBeDefined();
  });

  it('is a new path when a message came from elsewhere, which workers then send to', () => {
    const { alicesBob, bobsAlice } = connect();
    const carol = network.host({ endpoint: CAROL });
    bobWorker.peers.observe(bobsAlice, carol.endpoint, undefined);
    // Awake at once, before the worker has recorded that it received something.
    bobWorker.look();
    bobWorker.open(aliceWorker.seal(alicesBob, ipv4Packet('10.0.0.1', '10.0.0.2'))!.message);
    expect(bob.device.peerStatus(alice.publicKey)?.path).toEqual(carol.path);
    expect(bobWorker.seal(bobsAlice, ipv4Packet('10.0.0.2', '10.0.0.1'))?.to).toBe(formatPath(carol.path));
  });
});

describe('a peer that is removed', () => {
  it('is known to workers no more, and its keys are zeroed when they have passed', () => {
    const { alicesBob } = connect();
    const reader = aliceWorker.sessions.addReader();
    const slot = aliceWorker.peers.currentSlot(alicesBob)!;
    const session = aliceWorker.sessions.liveSession(slot)!;
    const key = aliceWorker.sessions.sendKey(session);
    expect(key.some((byte) => byte !== 0)).toBe(true);

    alice.device.removePeer(bob.publicKey, network.now);
    expect(aliceWorker.seal(alicesBob, ipv4Packet('10.0.0.1', '10.0.0.2'))).toBeUndefined();
    expect(aliceWorker.sessions.isLive(session)).toBe(false);
    alice.device.sessionTable.reclaim();
    expect(key.some((byte) => byte !== 0)).toBe(true);

    aliceWorker.sessions.passEpoch(reader);
    alice.device.sessionTable.reclaim();
    expect(key.every((byte) => byte === 0)).toBe(true);
    expect(peerNumber(alice, '10.0.0.2')).toBe(-1);
  });

  it('leaves its number to nobody before workers have passed', () => {
    const { alicesBob } = connect();
    const reader = aliceWorker.sessions.addReader();
    alice.device.removePeer(bob.publicKey, network.now);
    alice.addPeer(bob, '10.0.0.2/32');
    const second = peerNumber(alice, '10.0.0.2');
    expect(second).not.toBe(alicesBob);
    alice.device.removePeer(bob.publicKey, network.now);
    aliceWorker.sessions.passEpoch(reader);
    alice.addPeer(bob, '10.0.0.2/32');
    expect([alicesBob, second]).toContain(peerNumber(alice, '10.0.0.2'));
  });
});

const NOTHING = new Uint8Array(0);

function nonceOf(counter: bigint): Uint8Array {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setBigUint64(4, counter, true);
  return nonce;
}
