// What all workers have in common: the tables they attach to, their epochs, the wait in poll(2) and the way to the main
// thread. A worker holds sessions, keys, sockets and tables between two looks at the epoch only (docs/data-plane.md).

import { EventDescriptor, MonotonicClock, PollSet } from '@shadownet/native';
import { addDuration, assertNever, durationBetween, type Instant, instant, milliseconds } from '@shadownet/primitives';
import { RelaySessionTable } from '@shadownet/relay';
import {
  AllowedIpsTable,
  type HandshakeKeys,
  type PacketDirection,
  type PacketFilter,
  type PacketFilterFactory,
  type PacketFilterTable,
  PathTable,
  PeerCells,
  ReceiverIndexTable,
  SessionTable,
} from '@shadownet/wireguard';
import { parentPort, receiveMessageOnPort } from 'node:worker_threads';

import { MessageRing } from './message-ring.js';
import {
  COUNTER,
  NOTICE,
  type RingClass,
  WorkerControl,
  type WorkerMessage,
  type WorkerSocket,
  type WorkerStart,
} from './worker-protocol.js';

/** A worker in a system call holds up the end of the process: it looks around so often even if nobody rings. */
const MAX_WAIT_MS = 250;
/** How long traffic goes unreported: what the main thread does about it would compete with the packet that is on its way. */
const REPORT_DELAY = milliseconds(50);

const DOORBELL = 0;
const TUN = 1;
const SOCKET = 2;
/** poll(2) passes over negative descriptors. */
const NO_DESCRIPTOR = -1;

export abstract class PacketWorker {
  protected readonly sessions: SessionTable;
  protected readonly indices: ReceiverIndexTable;
  protected readonly peers: PeerCells;
  protected readonly paths: PathTable;
  protected readonly relaySessions: RelaySessionTable;
  protected readonly control: WorkerControl;
  protected readonly rings: Readonly<Record<RingClass, MessageRing>>;
  protected readonly pollSet: PollSet;
  protected allowedIps: AllowedIpsTable | undefined;
  protected handshakeKeys: HandshakeKeys | undefined;
  /** Where frames of relays come from, as text. */
  protected relays: ReadonlySet<string> = new Set();
  #filter: PacketFilter | undefined;
  protected socket: WorkerSocket | undefined;
  protected mtu: number;
  readonly #clock = new MonotonicClock();
  readonly #doorbell: EventDescriptor;
  readonly #reader: number;
  /** The one that was passed last; none yet, so that whatever happened since the registration is passed at once. */
  #epoch: number | undefined;
  /** When the main thread is to hear of traffic that it does not watch for; undefined if there was none. */
  #reportAt: Instant | undefined;

  constructor(
    protected readonly start: WorkerStart,
    private readonly makeFilter: PacketFilterFactory | undefined,
  ) {
    this.sessions = SessionTable.attach(start.device.sessions, start.role, start.pair);
    this.indices = new ReceiverIndexTable(this.sessions, start.device.receiverIndices);
    this.peers = new PeerCells(start.device.peers, start.role === 'transmit' ? start.pair : 0);
    this.paths = new PathTable(start.device.paths);
    this.relaySessions = RelaySessionTable.attach(start.relaySessions, start.role === 'transmit' ? start.pair : 0);
    this.control = new WorkerControl(start.control);
    this.rings = {
      unsent: new MessageRing(start.rings.unsent),
      handshakes: new MessageRing(start.rings.handshakes),
      probes: new MessageRing(start.rings.probes),
      relayFrames: new MessageRing(start.rings.relayFrames),
    };
    this.mtu = start.tun.mtu;
    this.#doorbell = EventDescriptor.attach(start.doorbell);
    this.pollSet = new PollSet([start.doorbell, NO_DESCRIPTOR, NO_DESCRIPTOR]);
    this.#reader = this.sessions.addReader();
    this.#takeMessages();
  }

  /** The TUN's descriptor of this worker's pair. */
  protected get ownQueue(): number {
    return this.start.tun.queues[this.start.pair]!;
  }

  /** Runs until it is stopped. */
  run(): void {
    try {
      this.#watch();
      while (!this.control.isStopped) {
        this.#passEpoch();
        const isBusy = this.work();
        const patience = this.#reportWhenDue();
        if (isBusy) continue;
        // Nothing is left to do. What comes from here on ends the wait.
        this.wait(patience);
      }
    } finally {
      this.forget();
      this.end();
      this.sessions.removeReader(this.#reader);
    }
  }

  /** Moves packets until there are none, or for a while; false if there are none. */
  protected abstract work(): boolean;
  /** Lets go of every session, key, path and socket that it has noted. */
  protected abstract forget(): void;
  protected abstract end(): void;
  /** Which of its descriptors the worker waits for. */
  protected abstract readonly waitsFor: 'tun' | 'socket';

  /** Until there is something to do, or somebody rings, but at most `timeout` ms. */
  protected wait(timeout: number): void {
    const ready = this.pollSet.waitReadable(timeout);
    if ((ready & (1 << DOORBELL)) !== 0) this.#doorbell.clear();
  }

  /** Whether the filter lets a packet, or a superpacket, through; counted if not. Without a filter all are. */
  protected passesFilter(
    direction: PacketDirection,
    peer: number,
    packet: DataView,
    offset: number,
    length: number,
    now: Instant,
  ): boolean {
    const verdict = this.#filter?.judge(direction, peer, packet, offset, length, now) ?? 'accept';
    if (verdict === 'accept') return true;
    this.control.count(verdict === 'filter-denied' ? COUNTER.filterDenied : COUNTER.filterUnreadable);
    return false;
  }

  /** There is something that the main thread wants to be looked at. */
  protected get isCalled(): boolean {
    return this.control.isStopped || this.sessions.epoch !== this.#epoch;
  }

  protected now(): Instant {
    return instant(this.#clock.now() + this.start.clockOffset);
  }

  protected notify(): void {
    if (this.control.raiseNotice()) parentPort?.postMessage(NOTICE);
  }

  /** There was traffic: timers depend on it, and none may be running on the other side, which hears of it in a moment. */
  protected reportTraffic(): void {
    if (this.#reportAt === undefined && !this.control.isWatched) this.#reportAt = addDuration(this.now(), REPORT_DELAY);
  }

  protected waitUntilWritable(kind: 'tun' | 'socket', descriptor: number, timeout: number): boolean {
    const place = kind === 'tun' ? TUN : SOCKET;
    this.pollSet.set(place, descriptor);
    const writable = this.pollSet.waitWritable(place, timeout);
    this.#watch();
    return writable;
  }

  /** How long the worker may sleep, in ms. */
  #reportWhenDue(): number {
    if (this.#reportAt === undefined) return MAX_WAIT_MS;
    const left = durationBetween(this.now(), this.#reportAt);
    if (left > 0) return Math.ceil(left);
    this.#reportAt = undefined;
    if (!this.control.isWatched) this.notify();
    return MAX_WAIT_MS;
  }

  /** Concurrency rules 2, 3, 8 and 9: ask, let go, take what is new, pass what was asked for. */
  #passEpoch(): void {
    const epoch = this.sessions.epoch;
    if (epoch === this.#epoch) return;
    this.forget();
    this.#takeMessages();
    this.#epoch = epoch;
    this.sessions.passEpoch(this.#reader, epoch);
  }

  #takeMessages(): void {
    for (let next = receiveMessageOnPort(this.start.port); next; next = receiveMessageOnPort(this.start.port)) {
      const message = next.message as WorkerMessage;
      switch (message.kind) {
        case 'socket':
          this.socket = message.socket;
          this.#watch();
          break;
        case 'allowed-ips':
          this.allowedIps = new AllowedIpsTable(message.table);
          break;
        case 'handshake-keys':
          this.handshakeKeys = message.keys;
          break;
        case 'relays':
          this.relays = new Set(message.endpoints);
          break;
        case 'filter':
          this.#useFilter(message.table);
          break;
        case 'mtu':
          this.mtu = message.mtu;
          break;
        default:
          assertNever(message);
      }
    }
  }

  #useFilter(table: PacketFilterTable | undefined): void {
    if (table && !this.makeFilter) throw new Error('a packet worker without a filter is given a table for one');
    this.#filter = table && this.makeFilter?.(table);
  }

  #watch(): void {
    this.pollSet.set(TUN, this.waitsFor === 'tun' ? this.ownQueue : NO_DESCRIPTOR);
    this.pollSet.set(SOCKET, this.waitsFor === 'socket' ? (this.socket?.descriptor ?? NO_DESCRIPTOR) : NO_DESCRIPTOR);
  }
}
