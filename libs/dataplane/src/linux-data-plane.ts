// The fast data plane on the main thread's side: it starts the workers, tells them what changes, gets from them what is the
// core's, and ends them. The core stays the owner of peers, handshakes and timers (docs/data-plane.md).

import { EventDescriptor, loadAead } from '@shadownet/native';
import { type Endpoint, formatEndpoint } from '@shadownet/primitives';
import { RelaySessionTable } from '@shadownet/relay';
import { type OffloadTunDevice, openOffloadTun } from '@shadownet/tun';
import { type LinuxUdpOptions, type LinuxUdpSocket, type OffloadUdpSocket, openOffloadUdp } from '@shadownet/udp';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';

import type { DataPlane, DataPlaneCore, DataPlaneOptions } from './data-plane.js';
import { admissionOf } from './handshake-gate.js';
import { MessageRing, type RingMessage } from './message-ring.js';
import { ReceiveOrder } from './receive-order.js';
import { sessionOfFrameTag } from './relay-frame-gate.js';
import { readSourceTag, SOURCE_TAG_LENGTH } from './source-tag.js';
import { type WorkerMessage, type WorkerRole, type WorkerStart, WorkerControl } from './worker-protocol.js';

const ROLES: readonly WorkerRole[] = ['transmit', 'receive'];

/** How often the core takes note of traffic while there is some. */
const TICK_MS = 100;
/** How often a worker's passing of an epoch is looked for by whoever waits for it. */
const PASS_CHECK_MS = 1;

/** As many packets as the core stages for one peer; of any length that IP has. For each worker that sends. */
const UNSENT = { slots: 128, maxMessage: 65_536 };
/** Seconds of what the gate lets through: so long may the core be kept from its work before genuine ones are lost. */
const HANDSHAKES = { slots: 4096, maxMessage: SOURCE_TAG_LENGTH + 148 };
/** Messages of each ring in one turn of the event loop: a flood must leave time for timers and for the configuration. */
const MESSAGES_PER_TURN = 256;
const PROBES = { slots: 256, maxMessage: SOURCE_TAG_LENGTH + 1500 };
/** Relays' own frames and what is not data; and all data, some 10 ms at 1 Gbit/s, of relays beyond RELAY_SESSIONS. */
const RELAY_FRAMES = { slots: 1024, maxMessage: SOURCE_TAG_LENGTH + 2048 };

/** Relays that workers send and receive by at a time: the home, and those of the peers that something is sent to. */
const RELAY_SESSIONS = 64;

/**
 * Rejects with NativeError 'native-unavailable' where AEAD, offloads or koffi are missing, or with a TunError. The interface
 * exists when it resolves.
 */
export async function openLinuxDataPlane({ tun, workerEntry, workerPairs }: DataPlaneOptions): Promise<DataPlane> {
  loadAead();
  await openOffloadUdp({ port: 0, mark: 0 }).close();
  return new LinuxDataPlane(await openOffloadTun({ ...tun, queues: workerPairs }), workerEntry);
}

/** A worker's garbage dies young, and there is little: Node's own limit lets each thread keep up to 48 MB for it. */
const YOUNG_GENERATION_MB = 3;

interface RunningWorker {
  readonly role: WorkerRole;
  readonly control: WorkerControl;
  readonly doorbell: EventDescriptor;
  readonly port: MessagePort;
  readonly ended: Promise<void>;
}

type State =
  | { readonly kind: 'detached' }
  | { readonly kind: 'running'; readonly core: DataPlaneCore; readonly workers: readonly RunningWorker[] }
  | { readonly kind: 'closed' };

class LinuxDataPlane implements DataPlane {
  readonly kind = 'linux';
  readonly workerPairs: number;
  readonly #order = new ReceiveOrder();
  readonly #unsent: readonly MessageRing[];
  readonly #handshakes = new MessageRing(HANDSHAKES);
  readonly #probes = new MessageRing(PROBES);
  readonly #relayFrames = new MessageRing(RELAY_FRAMES);
  readonly #ringOnExit = (): void => this.#stopWorkers();
  #state: State = { kind: 'detached' };
  #relaySessions: RelaySessionTable | undefined;
  #socket: OffloadUdpSocket | undefined;
  #mtu: number;
  #rungEpoch = 0;
  #tick: NodeJS.Timeout | undefined;
  #nextTurn: NodeJS.Immediate | undefined;
  /** Settles at once while workers run, and when they have ended once they were told to. */
  #ended: Promise<unknown> = Promise.resolve();
  #reclaiming: 'idle' | 'waiting' = 'idle';

  constructor(
    readonly tun: OffloadTunDevice,
    private readonly workerEntry: URL,
  ) {
    this.#mtu = tun.mtu;
    this.workerPairs = tun.descriptors.length;
    this.#unsent = tun.descriptors.map(() => new MessageRing(UNSENT));
  }

  get relaySessions(): RelaySessionTable | undefined {
    return this.#relaySessions;
  }

  get fewerWorkersReason(): string | undefined {
    return this.tun.fewerQueuesReason;
  }

  attach(core: DataPlaneCore): void {
    if (this.#state.kind !== 'detached') throw new Error('a data plane is attached once');
    const { sessionTable } = core.device;
    const relaySessions = RelaySessionTable.allocate(RELAY_SESSIONS, this.workerPairs, sessionTable);
    this.#relaySessions = relaySessions;
    const workers = this.#unsent.flatMap((_, pair) =>
      ROLES.map((role) => this.#startWorker(role, pair, core, relaySessions)),
    );
    this.#state = { kind: 'running', core, workers };
    this.#rungEpoch = sessionTable.epoch;
    // A worker inside a system call would hold up the end of the process.
    process.on('exit', this.#ringOnExit);
    this.publish();
  }

  openSocket(options: LinuxUdpOptions): LinuxUdpSocket {
    const socket = openOffloadUdp(options);
    socket.handOver(async () => {
      if (this.#socket === socket) this.#useSocket(undefined);
      await this.settled();
    });
    this.#useSocket(socket);
    return socket;
  }

  useRelays(endpoints: readonly Endpoint[]): void {
    this.#tell({ kind: 'relays', endpoints: endpoints.map(formatEndpoint) }, ['receive']);
    this.publish();
  }

  publish(): void {
    if (this.#state.kind !== 'running') return;
    const { device } = this.#state.core;
    const table = device.takeAllowedIpsTable();
    if (table) this.#tell({ kind: 'allowed-ips', table });
    const identity = device.takeHandshakeKeys();
    if (identity) this.#tell({ kind: 'handshake-keys', keys: identity.keys }, ['receive']);
    const filter = device.takeFilterTable();
    if (filter) this.#tell({ kind: 'filter', table: filter.table });
    if (this.tun.mtu !== this.#mtu) {
      this.#mtu = this.tun.mtu;
      this.#tell({ kind: 'mtu', mtu: this.#mtu });
    }
    const { epoch } = device.sessionTable;
    if (epoch === this.#rungEpoch) return;
    this.#rungEpoch = epoch;
    this.#call(this.#state.workers);
    if (this.#hasRetired && this.#reclaiming === 'idle') void this.#reclaimRetired();
  }

  async settled(): Promise<void> {
    if (this.#state.kind !== 'running') return;
    const { sessionTable } = this.#state.core.device;
    const epoch = sessionTable.raiseEpoch();
    this.publish();
    while (this.#state.kind === 'running' && !sessionTable.hasPassed(epoch)) {
      await new Promise((resolve) => setTimeout(resolve, PASS_CHECK_MS));
    }
    // Whoever waits while the data plane is being closed waits for the workers' end.
    await this.#ended;
    sessionTable.reclaim();
    this.#relaySessions?.reclaim();
  }

  counters(): Readonly<Record<string, number>> {
    const sums: Record<string, number> = {};
    if (this.#state.kind === 'running') {
      for (const { control } of this.#state.workers) {
        for (const [name, count] of Object.entries(control.counters())) sums[name] = (sums[name] ?? 0) + count;
      }
    }
    sums['unsentLost'] = this.#unsent.reduce((lost, ring) => lost + ring.lost, 0);
    sums['handshakesLost'] = this.#handshakes.lost;
    sums['probesLost'] = this.#probes.lost;
    sums['relayFramesLost'] = this.#relayFrames.lost;
    return sums;
  }

  async close(): Promise<void> {
    if (this.#state.kind === 'closed') return;
    if (this.#state.kind === 'running') this.#ended = Promise.all(this.#state.workers.map(({ ended }) => ended));
    this.#stopWorkers();
    this.#state = { kind: 'closed' };
    clearInterval(this.#tick);
    process.off('exit', this.#ringOnExit);
    await this.#ended;
    await this.tun.close();
  }

  #startWorker(role: WorkerRole, pair: number, core: DataPlaneCore, relaySessions: RelaySessionTable): RunningWorker {
    const control = new WorkerControl();
    const doorbell = EventDescriptor.open();
    const { port1: port, port2: workerPort } = new MessageChannel();
    port.unref();
    const start: WorkerStart = {
      role,
      pair,
      tun: { queues: this.tun.descriptors, mtu: this.#mtu, joinsUdp: this.tun.offloads.udp },
      doorbell: doorbell.descriptor,
      device: core.device.workerBuffers,
      relaySessions: relaySessions.buffer,
      control: control.buffer,
      order: this.#order.buffer,
      rings: {
        unsent: this.#unsent[pair]!.buffer,
        handshakes: this.#handshakes.buffer,
        probes: this.#probes.buffer,
        relayFrames: this.#relayFrames.buffer,
      },
      port: workerPort,
      clockOffset: core.now() - Number(process.hrtime.bigint()) / 1e6,
    };
    const worker = new Worker(this.workerEntry, {
      name: `packets-${role}-${pair}`,
      workerData: start,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
      transferList: [workerPort],
    });
    worker.on('message', () => this.#onNotice(control));
    const ended = new Promise<void>((resolve) => {
      worker.on('error', (error) => this.#onWorkerEnded(role, error));
      worker.on('exit', (code) => {
        doorbell.close();
        if (!control.isStopped) this.#onWorkerEnded(role, new Error(`it ended with code ${code}`));
        resolve();
      });
    });
    return { role, control, doorbell, port, ended };
  }

  #onWorkerEnded(role: WorkerRole, cause: unknown): void {
    if (this.#state.kind !== 'running') return;
    const why = cause instanceof Error ? cause.message : String(cause);
    this.#state.core.fail(new Error(`the ${role} worker has ended: ${why}`, { cause }));
  }

  #stopWorkers(): void {
    if (this.#state.kind !== 'running') return;
    for (const { control } of this.#state.workers) control.stop();
    this.#call(this.#state.workers);
  }

  /** Ends every wait: in poll by the doorbell, for the lead or for a turn by a call. */
  #call(workers: readonly RunningWorker[]): void {
    for (const { doorbell } of workers) doorbell.ring();
    this.#order.call();
  }

  #useSocket(socket: OffloadUdpSocket | undefined): void {
    this.#socket = socket;
    this.#tell({
      kind: 'socket',
      socket: socket && { descriptor: socket.descriptor, family: socket.family },
    });
    this.publish();
  }

  /** In this order: whoever sees the new epoch finds the message. */
  #tell(message: WorkerMessage, roles: readonly WorkerRole[] = ROLES): void {
    if (this.#state.kind !== 'running') return;
    for (const { role, port } of this.#state.workers) if (roles.includes(role)) port.postMessage(message);
    this.#state.core.device.sessionTable.raiseEpoch();
  }

  #onNotice(control: WorkerControl): void {
    if (this.#state.kind !== 'running') return;
    control.lowerNotice();
    if (this.#nextTurn === undefined) this.#takeTurn();
  }

  /** Hands on what the workers have for the core; if that is much, there will be another turn. */
  #takeTurn(): void {
    this.#nextTurn = undefined;
    if (this.#state.kind !== 'running') return;
    const deliver = ({ bytes }: RingMessage): void => {
      const { from, local, datagram } = readSourceTag(bytes);
      this.#socket?.deliver(datagram, from, local);
    };
    const { device } = this.#state.core;
    const deliverHandshake = (message: RingMessage): void => {
      const admission = admissionOf(message.tag);
      if (admission) device.whileAdmitted(admission, () => deliver(message));
      else deliver(message);
    };
    const deliverFrame = (message: RingMessage): void => {
      const session = sessionOfFrameTag(message.tag);
      if (session) this.#relaySessions!.whileChecked(session, () => deliver(message));
      else deliver(message);
    };
    const counts = [
      ...this.#unsent.map((ring) => readSome(ring, ({ bytes }) => this.tun.deliver(bytes))),
      readSome(this.#handshakes, deliverHandshake),
      readSome(this.#probes, deliver),
      readSome(this.#relayFrames, deliverFrame),
    ];
    this.#takeNoteOfTraffic();
    if (counts.includes(MESSAGES_PER_TURN)) this.#nextTurn = setImmediate(() => this.#takeTurn());
  }

  /** Starts looking from time to time, and stops when there was nothing to see. */
  #takeNoteOfTraffic(): void {
    if (!this.#tick) {
      this.#setWatched(true);
      this.#tick = setInterval(() => this.#onTick(), TICK_MS);
    }
    this.#look();
  }

  #onTick(): void {
    if (this.#look()) return;
    clearInterval(this.#tick);
    this.#tick = undefined;
    this.#setWatched(false);
    // What came between the look and the word is not reported by anybody else.
    if (this.#look()) this.#takeNoteOfTraffic();
  }

  #look(): boolean {
    if (this.#state.kind !== 'running') return false;
    const { core } = this.#state;
    const any = core.device.handleWorkerTraffic(core.now(), core.output);
    core.settle();
    this.publish();
    return any;
  }

  #setWatched(watched: boolean): void {
    if (this.#state.kind !== 'running') return;
    for (const { control } of this.#state.workers) control.setWatched(watched);
  }

  get #hasRetired(): boolean {
    if (this.#state.kind !== 'running') return false;
    return this.#state.core.device.sessionTable.hasRetired || this.#relaySessions!.hasRetired;
  }

  /** Rule 3: keys of sessions that have ended are zeroed as soon as the workers have let go, and not when the next one begins. */
  async #reclaimRetired(): Promise<void> {
    this.#reclaiming = 'waiting';
    while (this.#hasRetired) await this.settled();
    this.#reclaiming = 'idle';
  }
}

/** Reads up to MESSAGES_PER_TURN, and says how many there were. */
function readSome(ring: MessageRing, take: (message: RingMessage) => void): number {
  let count = 0;
  for (; count < MESSAGES_PER_TURN; count++) {
    const message = ring.read();
    if (!message) break;
    take(message);
  }
  return count;
}
