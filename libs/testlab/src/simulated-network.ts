// Hosts, LANs, NATs and firewalls on a simulated clock: datagrams take time, get lost, overtake each other, and pass the
// gateways in between. One seed, one run.
//
//     host ── segment 'lan a' ── Nat ──┐
//                                      ├── segment 'internet' ── host
//     host ── segment 'lan b' ── Nat ──┘
//
// Cores (anything with `pollTimeout` and `handleTimeout`) are woken when they asked for it. Whoever changes a core from
// outside of its own sockets and timers, while the network runs, tells it so by `reschedule`.

import {
  addDuration,
  type Duration,
  type Endpoint,
  endpoint,
  instant,
  type Instant,
  type IpAddress,
  ipAddressScope,
  milliseconds,
  type TimerOwner,
  TimerQueue,
  type Wakeup,
} from '@shadownet/primitives';
import { addressKey, type Key } from './endpoint-key.js';
import { EventQueue, SimulatedEvent } from './event-queue.js';
import type { Gateway } from './gateway.js';
import type { SeededRandom } from './seeded-random.js';

/** What happens to a datagram that crosses a segment. */
export interface LinkQuality {
  /** One way, uniform between the two. Without any the datagram arrives in the same moment, before the call returns. */
  readonly delay: readonly [Duration, Duration];
  /** Probability 0…1 that it is lost. */
  readonly loss: number;
  /** Probability 0…1 that it is held up until others have overtaken it: by another one to two of the longest delay. */
  readonly reordering?: number;
  /** The largest IP packet, in bytes. What is larger disappears without a word, as where routers' ICMP is filtered. */
  readonly mtu?: number;
}

export const PERFECT_LINK: LinkQuality = { delay: [milliseconds(1), milliseconds(1)], loss: 0 };

export type DatagramHandler = (datagram: Uint8Array, from: Endpoint, now: Instant) => void;

/** A core that wants to be woken. */
export interface SimulatedCore {
  pollTimeout(): Wakeup | undefined;
  handleTimeout(now: Instant): void;
}

/** A datagram as it entered a segment: what a test counts and replays. */
export interface Sighting {
  readonly at: Instant;
  readonly segment: Segment;
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly datagram: Uint8Array;
}

interface Exit {
  readonly gateway: Gateway;
  readonly outer: Segment;
}

/** A broadcast domain: addresses on it reach each other, the others by its gateways. */
export class Segment {
  /** By address. */
  readonly #sockets = new Map<Key, SimulatedSocket[]>();
  /** Gateways whose outer side lies here, with what is behind them. */
  readonly #entrances: { readonly gateway: Gateway; readonly inner: Segment }[] = [];
  /** Those of them that keep their address, by it: a large internet is not walked for each packet. */
  readonly #entranceOf = new Map<Key, { readonly gateway: Gateway; readonly inner: Segment }>();
  /** Where packets of a family leave: one gateway for each. */
  readonly exits: Exit[] = [];

  constructor(
    readonly name: string,
    public quality: LinkQuality,
  ) {}

  addSocket(socket: SimulatedSocket): void {
    const key = addressKey(socket.local.address);
    const there = this.#sockets.get(key);
    if (there) there.push(socket);
    else this.#sockets.set(key, [socket]);
  }

  removeSocket(socket: SimulatedSocket): void {
    const key = addressKey(socket.local.address);
    const others = this.socketsAt(socket.local.address).filter((one) => one !== socket);
    if (others.length > 0) this.#sockets.set(key, others);
    else this.#sockets.delete(key);
  }

  socketsAt(address: IpAddress): readonly SimulatedSocket[] {
    return this.#sockets.get(addressKey(address)) ?? NO_SOCKETS;
  }

  addEntrance(gateway: Gateway, inner: Segment): void {
    const entrance = { gateway, inner };
    this.#entrances.push(entrance);
    for (const address of gateway.addresses) this.#entranceOf.set(addressKey(address), entrance);
  }

  /** The gateway that packets for `address` come to. */
  entranceFor(address: IpAddress): { readonly gateway: Gateway; readonly inner: Segment } | undefined {
    const key = addressKey(address);
    const known = this.#entranceOf.get(key);
    if (known?.gateway.owns(address)) return known;
    const found = this.#entrances.find(({ gateway }) => gateway.owns(address));
    if (found) this.#entranceOf.set(key, found);
    else this.#entranceOf.delete(key);
    return found;
  }
}

const NO_SOCKETS: readonly SimulatedSocket[] = [];

export class SimulatedSocket {
  #handler: DatagramHandler = () => {};
  #owner: SimulatedCore | undefined;

  constructor(
    readonly network: SimulatedNetwork,
    readonly segment: Segment,
    readonly local: Endpoint,
  ) {}

  /** `owner` is rescheduled after each datagram. */
  onDatagram(handler: DatagramHandler, owner?: SimulatedCore): void {
    this.#handler = handler;
    this.#owner = owner;
  }

  /** Copies the datagram and sends it. */
  send(datagram: Uint8Array, to: Endpoint): void {
    this.network.inject(this.segment, new Uint8Array(datagram), this.local, to);
  }

  /** Sends a datagram that nobody will change. */
  post(datagram: Uint8Array, to: Endpoint): void {
    this.network.inject(this.segment, datagram, this.local, to);
  }

  deliver(datagram: Uint8Array, from: Endpoint, now: Instant): void {
    this.#handler(datagram, from, now);
    if (this.#owner) this.network.reschedule(this.#owner);
  }

  /** Its address answers nothing any more. */
  close(): void {
    this.segment.removeSocket(this);
  }
}

export interface NetworkOptions {
  /** PERFECT_LINK if absent. */
  readonly internet?: LinkQuality;
  /** Whether every datagram is kept in `sightings`. True if absent; a large simulation has no memory for it. */
  readonly recording?: boolean;
}

class CoreTimer implements TimerOwner {
  constructor(readonly core: SimulatedCore) {}

  nextDeadline(): Instant | undefined {
    return this.core.pollTimeout()?.at;
  }
}

class Action extends SimulatedEvent {
  constructor(
    at: Instant,
    readonly action: () => void,
  ) {
    super(at);
  }

  run(): void {
    this.action();
  }
}

/** Of a datagram at the other end of a segment. */
class Arrival extends SimulatedEvent {
  constructor(
    at: Instant,
    readonly network: SimulatedNetwork,
    readonly segment: Segment,
    readonly datagram: Uint8Array,
    readonly from: Endpoint,
    readonly to: Endpoint,
  ) {
    super(at);
  }

  run(): void {
    this.network.arrive(this.segment, this.datagram, this.from, this.to);
  }
}

/** A core that is still due after so many calls at one instant never rests: a bug. */
const MAX_CALLS_PER_INSTANT = 1000;

/** Of an IP packet around a UDP payload: 20 or 40 bytes, and 8. */
const HEADER_BYTES = { 4: 28, 6: 48 } as const;

export class SimulatedNetwork {
  readonly internet: Segment;
  /** Every datagram on every segment, in the order of sending. */
  readonly sightings: Sighting[] = [];
  readonly #recording: boolean;
  readonly #random: SeededRandom;
  readonly #timerOf = new Map<SimulatedCore, CoreTimer>();
  readonly #timers = new TimerQueue<CoreTimer>();
  readonly #events = new EventQueue();
  #now = instant(0);

  constructor(random: SeededRandom, { internet = PERFECT_LINK, recording = true }: NetworkOptions = {}) {
    this.#random = random;
    this.#recording = recording;
    this.internet = new Segment('internet', internet);
  }

  get now(): Instant {
    return this.#now;
  }

  /** A LAN whose packets leave by `gateways`, at most one of each family. */
  lan(
    name: string,
    gateways: Gateway | readonly Gateway[],
    outer: Segment = this.internet,
    quality: LinkQuality = PERFECT_LINK,
  ): Segment {
    const lan = new Segment(name, quality);
    for (const gateway of [gateways].flat() as Gateway[]) {
      lan.exits.push({ gateway, outer });
      outer.addEntrance(gateway, lan);
    }
    return lan;
  }

  socket(segment: Segment, address: IpAddress, port: number): SimulatedSocket {
    const socket = new SimulatedSocket(this, segment, endpoint(address, port));
    segment.addSocket(socket);
    return socket;
  }

  attach(core: SimulatedCore): void {
    this.#timerOf.set(core, new CoreTimer(core));
    this.reschedule(core);
  }

  detach(core: SimulatedCore): void {
    const timer = this.#timerOf.get(core);
    if (timer) this.#timers.delete(timer);
    this.#timerOf.delete(core);
  }

  /** The core may want to be woken earlier than it said before. */
  reschedule(core: SimulatedCore): void {
    const timer = this.#timerOf.get(core);
    const at = timer?.nextDeadline();
    if (timer && at !== undefined) this.#timers.lookAt(timer, at);
  }

  at(time: Instant, run: () => void): void {
    this.#events.add(new Action(time, run));
  }

  /** Puts a datagram on a segment as if `from` had sent it: also the way of a forger. */
  inject(segment: Segment, datagram: Uint8Array, from: Endpoint, to: Endpoint): void {
    if (this.#recording) this.sightings.push({ at: this.#now, segment, from, to, datagram });
    const { delay, loss, reordering = 0, mtu = Infinity } = segment.quality;
    if (delay[1] === 0 && loss === 0 && mtu === Infinity) return this.arrive(segment, datagram, from, to);
    if (datagram.length + HEADER_BYTES[to.address.family] > mtu) return;
    if (this.#random.fraction() < loss) return;
    let wait = delay[0] + (delay[1] - delay[0]) * this.#random.fraction();
    if (reordering > 0 && this.#random.fraction() < reordering) wait += delay[1] * (1 + this.#random.fraction());
    const arrival = addDuration(this.#now, milliseconds(wait));
    this.#events.add(new Arrival(arrival, this, segment, datagram, from, to));
  }

  /** Runs datagrams and cores in the order of time until `end`. */
  runUntil(end: Instant): void {
    this.#rescheduleAll();
    for (let next = this.#nextAt(); next !== undefined && next <= end; next = this.#nextAt()) this.#step(next);
    this.#now = end;
  }

  run(span: Duration): void {
    this.runUntil(addDuration(this.#now, span));
  }

  /** Runs until `condition` holds, for at most `limit`. Returns how long that took, or `undefined` if it never did. */
  runUntilTrue(condition: () => boolean, limit: Duration): Duration | undefined {
    const start = this.#now;
    const end = addDuration(start, limit);
    this.#rescheduleAll();
    while (!condition()) {
      const next = this.#nextAt();
      if (next === undefined || next > end) {
        this.#now = end;
        return undefined;
      }
      this.#step(next);
    }
    return milliseconds(this.#now - start);
  }

  /** What was called between two runs may have changed any core. */
  #rescheduleAll(): void {
    for (const core of this.#timerOf.keys()) this.reschedule(core);
  }

  #nextAt(): Instant | undefined {
    const event = this.#events.firstAt;
    const timer = this.#timers.first()?.at;
    return event === undefined || (timer !== undefined && timer < event) ? timer : event;
  }

  /** All that is due at `next`: what happens first, then the cores. */
  #step(next: Instant): void {
    if (next > this.#now) this.#now = next;
    for (let at = this.#events.firstAt; at !== undefined && at <= this.#now; at = this.#events.firstAt) {
      this.#events.take().run();
    }
    for (let due = this.#timers.first(); due && due.at <= this.#now; due = this.#timers.first()) {
      this.#timers.delete(due.owner);
      this.#wake(due.owner.core);
      this.reschedule(due.owner.core);
    }
  }

  #wake(core: SimulatedCore): void {
    for (let calls = 0; ; calls++) {
      const wakeup = core.pollTimeout();
      if (!wakeup || wakeup.at > this.#now) return;
      if (calls === MAX_CALLS_PER_INSTANT) throw new Error(`never rests: ${wakeup.reason}`);
      core.handleTimeout(this.#now);
    }
  }

  /** To a host here, into a gateway whose outer side is here, or out by a gateway; else nobody gets it. */
  arrive(segment: Segment, datagram: Uint8Array, from: Endpoint, to: Endpoint): void {
    const local = segment.socketsAt(to.address);
    if (local.length > 0) {
      for (const socket of local) if (socket.local.port === to.port) socket.deliver(datagram, from, this.#now);
      return;
    }
    // Providers route no private addresses.
    if (segment === this.internet && ipAddressScope(to.address) !== 'global') return;
    const entrance = segment.entranceFor(to.address);
    if (entrance) {
      const inner = entrance.gateway.inbound(from, to, this.#now);
      if (inner) this.inject(entrance.inner, datagram, from, inner);
      return;
    }
    for (const exit of segment.exits) {
      if (exit.gateway.family === to.address.family) return this.#leave(segment, exit, datagram, from, to);
    }
  }

  #leave(segment: Segment, { gateway, outer }: Exit, datagram: Uint8Array, from: Endpoint, to: Endpoint): void {
    const hairpin = gateway.owns(to.address);
    if (hairpin && !gateway.hairpinning) return;
    const source = gateway.outbound(from, to, this.#now);
    if (!source) return;
    if (!hairpin) return this.inject(outer, datagram, source, to);
    const inner = gateway.inbound(source, to, this.#now);
    if (inner) this.inject(segment, datagram, source, inner);
  }
}
