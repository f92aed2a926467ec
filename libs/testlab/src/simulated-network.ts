// Hosts, LANs and NATs on a simulated clock: datagrams take time, get lost, and pass the NATs in between. One seed, one run.
//
//     host ── segment 'lan a' ── Nat ──┐
//                                      ├── segment 'internet' ── host
//     host ── segment 'lan b' ── Nat ──┘
//
// Cores (anything with `pollTimeout` and `handleTimeout`) are woken when they asked for it.

import {
  addDuration,
  type Duration,
  type Endpoint,
  endpoint,
  instant,
  type Instant,
  type IpAddress,
  ipAddressesEqual,
  milliseconds,
  type Wakeup,
} from '@shadownet/primitives';
import type { Nat } from './nat.js';
import type { SeededRandom } from './seeded-random.js';

/** What happens to a datagram that crosses a segment. */
export interface LinkQuality {
  /** One way, uniform between the two. */
  readonly delay: readonly [Duration, Duration];
  /** Probability 0…1 that it is lost. */
  readonly loss: number;
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

/** A broadcast domain: addresses on it reach each other, the others by its gateway. */
export class Segment {
  readonly sockets: SimulatedSocket[] = [];
  /** NATs whose outer side lies here. */
  readonly nats: { readonly nat: Nat; readonly inner: Segment }[] = [];
  gateway: { readonly nat: Nat; readonly outer: Segment } | undefined;

  constructor(
    readonly name: string,
    public quality: LinkQuality,
  ) {}
}

export class SimulatedSocket {
  #handler: DatagramHandler = () => {};

  constructor(
    readonly network: SimulatedNetwork,
    readonly segment: Segment,
    readonly local: Endpoint,
  ) {}

  onDatagram(handler: DatagramHandler): void {
    this.#handler = handler;
  }

  /** Copies the datagram and sends it. */
  send(datagram: Uint8Array, to: Endpoint): void {
    this.network.inject(this.segment, Uint8Array.from(datagram), this.local, to);
  }

  deliver(datagram: Uint8Array, from: Endpoint, now: Instant): void {
    this.#handler(datagram, from, now);
  }
}

interface ScheduledEvent {
  readonly at: Instant;
  readonly run: () => void;
}

/** A core that is still due after so many calls at one instant never rests: a bug. */
const MAX_CALLS_PER_INSTANT = 1000;

export class SimulatedNetwork {
  readonly internet: Segment;
  /** Every datagram on every segment, in the order of sending. */
  readonly sightings: Sighting[] = [];
  readonly #random: SeededRandom;
  readonly #cores: SimulatedCore[] = [];
  /** By time, and in the order of scheduling where times are equal. */
  readonly #events: ScheduledEvent[] = [];
  #now = instant(0);

  constructor(random: SeededRandom, internetQuality: LinkQuality = PERFECT_LINK) {
    this.#random = random;
    this.internet = new Segment('internet', internetQuality);
  }

  get now(): Instant {
    return this.#now;
  }

  /** A LAN behind `nat`, whose outer side is on `outer`. */
  lan(name: string, nat: Nat, outer: Segment = this.internet, quality: LinkQuality = PERFECT_LINK): Segment {
    const lan = new Segment(name, quality);
    lan.gateway = { nat, outer };
    outer.nats.push({ nat, inner: lan });
    return lan;
  }

  socket(segment: Segment, address: IpAddress, port: number): SimulatedSocket {
    const socket = new SimulatedSocket(this, segment, endpoint(address, port));
    segment.sockets.push(socket);
    return socket;
  }

  attach(core: SimulatedCore): void {
    this.#cores.push(core);
  }

  at(time: Instant, run: () => void): void {
    let position = this.#events.length;
    while (position > 0 && this.#events[position - 1]!.at > time) position--;
    this.#events.splice(position, 0, { at: time, run });
  }

  /** Puts a datagram on a segment as if `from` had sent it: also the way of a forger. */
  inject(segment: Segment, datagram: Uint8Array, from: Endpoint, to: Endpoint): void {
    this.sightings.push({ at: this.#now, segment, from, to, datagram });
    const { delay, loss } = segment.quality;
    if (this.#random.fraction() < loss) return;
    const wait = milliseconds(delay[0] + (delay[1] - delay[0]) * this.#random.fraction());
    this.at(addDuration(this.#now, wait), () => this.#arrive(segment, datagram, from, to));
  }

  /** Runs datagrams and cores in the order of time until `end`. */
  runUntil(end: Instant): void {
    for (let next = this.#nextAt(); next !== undefined && next <= end; next = this.#nextAt()) {
      if (next > this.#now) this.#now = next;
      while (this.#events[0] && this.#events[0].at <= this.#now) this.#events.shift()!.run();
      for (const core of this.#cores) this.#wake(core);
    }
    this.#now = end;
  }

  run(span: Duration): void {
    this.runUntil(addDuration(this.#now, span));
  }

  /** Runs until `condition` holds, for at most `limit`. Returns how long that took, or `undefined` if it never did. */
  runUntilTrue(condition: () => boolean, limit: Duration): Duration | undefined {
    const start = this.#now;
    const end = addDuration(start, limit);
    while (!condition()) {
      const next = this.#nextAt();
      if (next === undefined || next > end) {
        this.#now = end;
        return undefined;
      }
      this.runUntil(next > this.#now ? next : this.#now);
    }
    return milliseconds(this.#now - start);
  }

  #nextAt(): Instant | undefined {
    let next = this.#events[0]?.at;
    for (const core of this.#cores) {
      const wakeup = core.pollTimeout();
      if (wakeup && (next === undefined || wakeup.at < next)) next = wakeup.at;
    }
    return next;
  }

  #wake(core: SimulatedCore): void {
    for (let calls = 0; ; calls++) {
      const wakeup = core.pollTimeout();
      if (!wakeup || wakeup.at > this.#now) return;
      if (calls === MAX_CALLS_PER_INSTANT) throw new Error(`never rests: ${wakeup.reason}`);
      core.handleTimeout(this.#now);
    }
  }

  /** To a host here, into a NAT whose outer side is here, or out by the gateway; else nobody gets it. */
  #arrive(segment: Segment, datagram: Uint8Array, from: Endpoint, to: Endpoint): void {
    const local = segment.sockets.filter((socket) => ipAddressesEqual(socket.local.address, to.address));
    if (local.length > 0) {
      for (const socket of local) if (socket.local.port === to.port) socket.deliver(datagram, from, this.#now);
      return;
    }
    const entered = segment.nats.find(({ nat }) => ipAddressesEqual(nat.outerAddress, to.address));
    if (entered) {
      const inner = entered.nat.inbound(from, to.port, this.#now);
      if (inner) this.inject(entered.inner, datagram, from, inner);
      return;
    }
    if (segment.gateway) this.#leave(segment, segment.gateway, datagram, from, to);
  }

  #leave(
    segment: Segment,
    { nat, outer }: { readonly nat: Nat; readonly outer: Segment },
    datagram: Uint8Array,
    from: Endpoint,
    to: Endpoint,
  ): void {
    const hairpin = ipAddressesEqual(nat.outerAddress, to.address);
    if (hairpin && !nat.behaviour.hairpinning) return;
    const source = nat.outbound(from, to, this.#now);
    if (!hairpin) return this.inject(outer, datagram, source, to);
    const inner = nat.inbound(source, to.port, this.#now);
    if (inner) this.inject(segment, datagram, source, inner);
  }
}
